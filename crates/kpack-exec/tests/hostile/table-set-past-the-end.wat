;; expect: fault table_out_of_bounds
;; features: reference-types
(module
  (memory (export "memory") 1)
  (table 4 funcref)
  (func (export "run") (param $d i32) (result i32)
    (table.set (i32.const -1) (ref.null func))
    i32.const 0))
