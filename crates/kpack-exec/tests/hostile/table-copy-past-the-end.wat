;; expect: fault table_out_of_bounds
;; features: bulk-memory
(module
  (memory (export "memory") 1)
  (table 4 funcref)
  (func (export "run") (param $d i32) (result i32)
    (table.copy (i32.const 1) (i32.const 0) (i32.const 4))
    i32.const 0))
