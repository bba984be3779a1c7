;; expect: fault memory_out_of_bounds
;; Address and static offset add up beyond 32 bits.
(module
  (memory (export "memory") 1)
  (func (export "run") (param $d i32) (result i32)
    (i32.load offset=0xffffffff (i32.const 0xffffffff))))
