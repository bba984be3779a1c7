;; expect: fault indirect_call_to_null
(module
  (memory (export "memory") 1)
  (table 1 funcref)
  (func (export "run") (param $d i32) (result i32)
    (call_indirect (param i32) (result i32) (local.get $d) (i32.const 0))))
