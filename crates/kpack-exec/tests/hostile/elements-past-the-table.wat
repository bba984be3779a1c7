;; expect: fault table_out_of_bounds
(module
  (memory (export "memory") 1)
  (func $f)
  (table 1 funcref)
  (elem (i32.const 1) $f)
  (func (export "run") (param $d i32) (result i32)
    i32.const 0))
