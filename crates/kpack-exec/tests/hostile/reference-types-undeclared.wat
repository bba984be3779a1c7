;; expect: refused undeclared_feature
(module
  (memory (export "memory") 1)
  (table 1 funcref)
  (func (export "run") (param $d i32) (result i32)
    (drop (table.size 0))
    i32.const 0))
