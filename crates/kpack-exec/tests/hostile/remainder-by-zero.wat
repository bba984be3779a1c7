;; expect: fault integer_divide_by_zero
(module
  (memory (export "memory") 1)
  (func (export "run") (param $d i32) (result i32)
    (i32.wrap_i64 (i64.rem_u (i64.const 1) (i64.const 0)))))
