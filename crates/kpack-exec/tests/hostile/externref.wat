;; expect: refused forbidden_proposal
;; features: reference-types
;; reference-types means funcref only.
(module
  (memory (export "memory") 1)
  (table 1 externref)
  (func (export "run") (param $d i32) (result i32)
    i32.const 0))
