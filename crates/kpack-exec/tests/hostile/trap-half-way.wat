;; expect: fault unreachable
;; features: simd
;; Half of the output is written; none of it is a result.
(module
  (memory (export "memory") 1)
  (func (export "run") (param $d i32) (result i32)
    (local $output i32)
    (local.set $output (i32.load offset=16 (local.get $d)))
    (v128.store (local.get $output) (v128.const f32x4 1 2 3 4))
    (v128.store offset=16 (local.get $output) (v128.const f32x4 5 6 7 8))
    unreachable))
