;; expect: fault integer_overflow
;; The specification calls a number out of range an overflow, and only a NaN invalid.
(module
  (memory (export "memory") 1)
  (func (export "run") (param $d i32) (result i32)
    (i32.trunc_f32_s (f32.const 1e30))))
