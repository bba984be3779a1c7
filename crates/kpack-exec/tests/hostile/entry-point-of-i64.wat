;; expect: refused entry_point_type
(module
  (memory (export "memory") 1)
  (func (export "run") (param i64) (result i32) (i32.const 0)))
