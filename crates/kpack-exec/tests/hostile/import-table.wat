;; expect: refused import
(module
  (import "env" "table" (table 1 funcref))
  (memory (export "memory") 1)
  (func (export "run") (param $d i32) (result i32)
    i32.const 0))
