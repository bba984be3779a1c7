;; expect: fault memory_limit
;; The host cannot add the pages of the call.
(module
  (memory (export "memory") 1 1)
  (func (export "run") (param $d i32) (result i32)
    i32.const 0))
