;; expect: refused forbidden_proposal
(module
  (memory (export "memory") 1 1 shared)
  (func (export "run") (param $d i32) (result i32)
    i32.const 0))
