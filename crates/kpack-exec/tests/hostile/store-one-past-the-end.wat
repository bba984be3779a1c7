;; expect: fault memory_out_of_bounds
(module
  (memory (export "memory") 1)
  (func (export "run") (param $d i32) (result i32)
    (i32.store8 (i32.mul (memory.size) (i32.const 65536)) (i32.const 1))
    i32.const 0))
