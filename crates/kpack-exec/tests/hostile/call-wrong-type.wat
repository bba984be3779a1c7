;; expect: fault indirect_call_type
(module
  (memory (export "memory") 1)
  (func $f)
  (table 1 funcref)
  (elem (i32.const 0) $f)
  (func (export "run") (param $d i32) (result i32)
    (call_indirect (param i32) (result i32) (local.get $d) (i32.const 0))))
