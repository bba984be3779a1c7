;; expect: fault memory_out_of_bounds
;; features: bulk-memory
(module
  (memory (export "memory") 1)
  (data $d "\01\02\03\04")
  (func (export "run") (param $d i32) (result i32)
    (data.drop $d)
    (memory.init $d (i32.const 0) (i32.const 0) (i32.const 4))
    i32.const 0))
