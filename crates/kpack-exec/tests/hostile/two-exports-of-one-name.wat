;; expect: refused invalid_module
;; One name twice.
(module
  (memory (export "memory") 1)
  (func (export "memory") (param $d i32) (result i32)
    i32.const 0)
  (func (export "run") (param $d i32) (result i32)
    i32.const 0))
