;; expect: refused forbidden_proposal
(module
  (memory (export "memory") 1)
  (type $s (struct (field i32)))
  (func (export "run") (param $d i32) (result i32)
    i32.const 0))
