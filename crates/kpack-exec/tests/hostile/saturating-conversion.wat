;; expect: ok zeros
;; Always on.
(module
  (memory (export "memory") 1)
  (func (export "run") (param $d i32) (result i32)
    (drop (i32.trunc_sat_f32_s (f32.const nan)))
    i32.const 0))
