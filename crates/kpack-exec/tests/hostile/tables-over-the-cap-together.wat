;; expect: refused table_minimum
;; features: reference-types
(module
  (memory (export "memory") 1)
  (table 9 funcref)
  (table 8 funcref)
  (func (export "run") (param $d i32) (result i32)
    i32.const 0))
