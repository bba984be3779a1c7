;; expect: fault memory_out_of_bounds
;; features: bulk-memory
(module
  (memory (export "memory") 1)
  (func (export "run") (param $d i32) (result i32)
    (memory.copy (i32.const 0) (i32.const -8) (i32.const 16))
    i32.const 0))
