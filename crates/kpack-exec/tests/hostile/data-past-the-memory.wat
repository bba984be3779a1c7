;; expect: fault memory_out_of_bounds
;; Found when the module is instantiated.
(module
  (memory (export "memory") 1)
  (data (i32.const 65535) "ab")
  (func (export "run") (param $d i32) (result i32)
    i32.const 0))
