;; expect: fault memory_out_of_bounds
(module
  (memory (export "memory") 1)
  (data (i32.const -1) "ab")
  (func (export "run") (param $d i32) (result i32)
    i32.const 0))
