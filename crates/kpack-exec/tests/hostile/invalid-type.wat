;; expect: refused invalid_module
(module
  (memory (export "memory") 1)
  (func (export "run") (param $d i32) (result i32)
    (f32.const 1)))
