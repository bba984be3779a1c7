;; expect: fault stack_overflow
(module
  (memory (export "memory") 1)
  (type $t (func (param i32) (result i32)))
  (table 1 funcref)
  (elem (i32.const 0) $down)
  (func $down (type $t)
    (i32.add (i32.const 1) (call_indirect (type $t) (local.get 0) (i32.const 0))))
  (func (export "run") (param $d i32) (result i32)
    (call $down (local.get $d))))
