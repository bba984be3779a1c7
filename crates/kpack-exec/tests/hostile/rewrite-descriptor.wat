;; expect: ok zeros
;; The host reads the output where its own copy of the layout says.
(module
  (memory (export "memory") 1)
  (func (export "run") (param $d i32) (result i32)
    (i32.store (local.get $d) (i32.const 0))
    (i32.store offset=16 (local.get $d) (i32.load (local.get $d)))
    (i32.store offset=20 (local.get $d) (i32.const -1))
    i32.const 0))
