;; expect: refused forbidden_proposal
(module
  (memory (export "memory") 1)
  (func (export "run") (param $d i32) (result i32)
    (block $h (try_table (catch_all $h) (nop)))
    i32.const 0))
