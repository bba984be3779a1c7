;; expect: refused forbidden_proposal
;; features: reference-types
(module
  (memory (export "memory") 1)
  (type $t (func))
  (func $f (param (ref null $t)))
  (func (export "run") (param $d i32) (result i32)
    i32.const 0))
