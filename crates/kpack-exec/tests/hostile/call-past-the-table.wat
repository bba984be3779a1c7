;; expect: fault table_out_of_bounds
(module
  (memory (export "memory") 1)
  (table 1 funcref)
  (func (export "run") (param $d i32) (result i32)
    (call_indirect (param i32) (result i32) (local.get $d) (i32.const 7))))
