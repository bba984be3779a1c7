;; expect: rejected INVALID_INPUT
;; What it wrote is not shown.
(module
  (memory (export "memory") 1)
  (func (export "run") (param $d i32) (result i32)
    (f32.store (i32.load offset=16 (local.get $d)) (f32.const 1))
    i32.const 1))
