;; expect: refused too_many_globals
(module
  (memory (export "memory") 1)
  (global i32 (i32.const 0))
  (global i32 (i32.const 0))
  (global i32 (i32.const 0))
  (global i32 (i32.const 0))
  (global i32 (i32.const 0))
  (global i32 (i32.const 0))
  (global i32 (i32.const 0))
  (global i32 (i32.const 0))
  (global i32 (i32.const 0))
  (func (export "run") (param $d i32) (result i32)
    i32.const 0))
