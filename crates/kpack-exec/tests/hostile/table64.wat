;; expect: refused forbidden_proposal
;; features: reference-types
(module
  (memory (export "memory") 1)
  (table i64 1 funcref)
  (func (export "run") (param $d i32) (result i32)
    i32.const 0))
