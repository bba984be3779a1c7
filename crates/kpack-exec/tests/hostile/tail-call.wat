;; expect: refused forbidden_proposal
(module
  (memory (export "memory") 1)
  (func $f (result i32) (i32.const 0))
  (func (export "run") (param $d i32) (result i32)
    (return_call $f)))
