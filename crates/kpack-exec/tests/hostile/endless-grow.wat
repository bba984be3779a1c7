;; expect: fault deadline
;; limits: ticks=3
(module
  (memory (export "memory") 1)
  (func (export "run") (param $d i32) (result i32)
    (loop $again (drop (memory.grow (i32.const 1))) (br $again))
    unreachable))
