;; expect: fault bad_conversion_to_integer
(module
  (memory (export "memory") 1)
  (func (export "run") (param $d i32) (result i32)
    (i32.trunc_f32_s (f32.const nan))))
