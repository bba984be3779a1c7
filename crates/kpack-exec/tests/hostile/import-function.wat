;; expect: refused import
(module
  (import "env" "log" (func (param i32)))
  (memory (export "memory") 1)
  (func (export "run") (param $d i32) (result i32)
    i32.const 0))
