;; expect: fault stack_overflow
(module
  (memory (export "memory") 1)
  (func $down (param i32) (result i32)
    (i32.add (i32.const 1) (call $down (i32.add (local.get 0) (i32.const 1)))))
  (func (export "run") (param $d i32) (result i32)
    (call $down (local.get $d))))
