;; expect: ok zeros
(module
  (memory (export "memory") 1 3)
  (func (export "run") (param $d i32) (result i32)
    (drop (memory.grow (i32.const 1)))
    (if (result i32) (i32.eq (memory.grow (i32.const 1)) (i32.const -1))
      (then (i32.const 0)) (else (i32.const 6)))))
