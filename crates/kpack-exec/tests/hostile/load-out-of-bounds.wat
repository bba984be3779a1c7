;; expect: fault memory_out_of_bounds
(module
  (memory (export "memory") 1)
  (func (export "run") (param $d i32) (result i32)
    (i32.load (i32.const 0x7fffffff))))
