;; expect: fault deadline
;; limits: ticks=3
;; No call and no memory access for an interrupt to hook into.
(module
  (memory (export "memory") 1)
  (func (export "run") (param $d i32) (result i32)
    (loop $again (br $again))
    unreachable))
