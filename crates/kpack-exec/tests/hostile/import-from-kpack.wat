;; expect: refused import
;; No name is special, not even that of the host.
(module
  (import "kpack" "memory" (func))
  (memory (export "memory") 1)
  (func (export "run") (param $d i32) (result i32)
    i32.const 0))
