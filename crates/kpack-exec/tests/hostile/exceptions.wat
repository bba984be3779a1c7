;; expect: refused forbidden_proposal
(module
  (memory (export "memory") 1)
  (tag $e)
  (func (export "run") (param $d i32) (result i32)
    (throw $e)))
