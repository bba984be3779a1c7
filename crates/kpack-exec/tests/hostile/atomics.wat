;; expect: refused forbidden_proposal
(module
  (memory (export "memory") 1)
  (func (export "run") (param $d i32) (result i32)
    (drop (i32.atomic.load (i32.const 0)))
    i32.const 0))
