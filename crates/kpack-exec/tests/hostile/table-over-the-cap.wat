;; expect: refused table_minimum
(module
  (memory (export "memory") 1)
  (table 17 funcref)
  (func (export "run") (param $d i32) (result i32)
    i32.const 0))
