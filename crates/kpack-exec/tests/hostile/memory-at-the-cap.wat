;; expect: fault memory_limit
;; The module may start, but no page is left for a call.
(module
  (memory (export "memory") 4)
  (func (export "run") (param $d i32) (result i32)
    i32.const 0))
