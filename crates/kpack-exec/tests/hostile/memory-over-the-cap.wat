;; expect: refused memory_minimum
(module
  (memory (export "memory") 5)
  (func (export "run") (param $d i32) (result i32)
    i32.const 0))
