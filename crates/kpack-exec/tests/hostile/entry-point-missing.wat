;; expect: refused entry_point_missing
(module
  (memory (export "memory") 1)
  (func (export "Run") (param i32) (result i32) (i32.const 0)))
