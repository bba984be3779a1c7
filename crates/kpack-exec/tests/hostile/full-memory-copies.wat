;; expect: fault deadline
;; features: bulk-memory
;; limits: pages=64 ticks=3
;; A bulk instruction runs to its end before a deadline is looked at.
(module
  (memory (export "memory") 1)
  (func (export "run") (param $d i32) (result i32)
    (drop (memory.grow (i32.const 62)))
    (loop $again
      (memory.copy (i32.const 0) (i32.const 2097152) (i32.const 2097152))
      (memory.fill (i32.const 2097152) (i32.const 7) (i32.const 2097152))
      (br $again))
    unreachable))
