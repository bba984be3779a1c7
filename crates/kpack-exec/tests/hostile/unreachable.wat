;; expect: fault unreachable
(module
  (memory (export "memory") 1)
  (func (export "run") (param $d i32) (result i32)
    unreachable))
