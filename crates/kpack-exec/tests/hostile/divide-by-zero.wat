;; expect: fault integer_divide_by_zero
(module
  (memory (export "memory") 1)
  (func (export "run") (param $d i32) (result i32)
    (i32.div_s (local.get $d) (i32.const 0))))
