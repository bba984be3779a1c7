;; expect: fault memory_out_of_bounds
;; features: bulk-memory
(module
  (memory (export "memory") 1)
  (func (export "run") (param $d i32) (result i32)
    (memory.fill (i32.const 1) (i32.const 7) (i32.const -1))
    i32.const 0))
