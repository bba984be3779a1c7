;; expect: fault table_out_of_bounds
;; features: bulk-memory
(module
  (memory (export "memory") 1)
  (table 4 funcref)
  (func $f)
  (elem $e func $f)
  (func (export "run") (param $d i32) (result i32)
    (table.init $e (i32.const 0) (i32.const 0) (i32.const 2))
    i32.const 0))
