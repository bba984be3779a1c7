;; expect: fault deadline
;; limits: ticks=3
(module
  (memory (export "memory") 1)
  (func $f (call $g))
  (func $g)
  (func (export "run") (param $d i32) (result i32)
    (loop $again (call $f) (br $again))
    unreachable))
