;; expect: refused memory_export
(module
  (memory 1)
  (func (export "run") (param $d i32) (result i32)
    i32.const 0))
