;; expect: refused undeclared_feature
;; features: simd
(module
  (memory (export "memory") 1)
  (func (export "run") (param $d i32) (result i32)
    (drop (f32x4.relaxed_madd (v128.const i32x4 0 0 0 0) (v128.const i32x4 0 0 0 0) (v128.const i32x4 0 0 0 0)))
    i32.const 0))
