;; expect: fault memory_out_of_bounds
;; features: simd
;; The last of its sixteen bytes lies behind the four pages of the call.
(module
  (memory (export "memory") 1)
  (func (export "run") (param $d i32) (result i32)
    (drop (memory.grow (i32.const 4)))
    (drop (v128.load (i32.const 262129)))
    i32.const 0))
