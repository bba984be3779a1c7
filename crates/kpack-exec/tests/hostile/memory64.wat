;; expect: refused forbidden_proposal
(module
  (memory (export "memory") i64 1)
  (func (export "run") (param $d i32) (result i32)
    i32.const 0))
