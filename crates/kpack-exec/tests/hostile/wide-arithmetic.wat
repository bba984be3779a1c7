;; expect: refused forbidden_proposal
(module
  (memory (export "memory") 1)
  (func (export "run") (param $d i32) (result i32)
    (i64.add128 (i64.const 1) (i64.const 1) (i64.const 1) (i64.const 1))
    (drop) (drop)
    i32.const 0))
