;; expect: refused undeclared_feature
(module
  (memory (export "memory") 1)
  (table $t 1 funcref)
  (table $u 1 funcref)
  (func (export "run") (param $d i32) (result i32)
    (call_indirect $u (param i32) (result i32) (local.get $d) (i32.const 0))))
