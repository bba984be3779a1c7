;; expect: refused undeclared_feature
(module
  (memory (export "memory") 1)
  (func (export "run") (param $d i32) (result i32)
    (drop (v128.const i32x4 0 0 0 0))
    i32.const 0))
