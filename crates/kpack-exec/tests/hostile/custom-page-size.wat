;; expect: refused forbidden_proposal
(module
  (memory (export "memory") 1 (pagesize 1))
  (func (export "run") (param $d i32) (result i32)
    i32.const 0))
