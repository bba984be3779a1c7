;; expect: fault deadline
;; limits: ticks=1
;; It would end, but far too late.
(module
  (memory (export "memory") 1)
  (func (export "run") (param $d i32) (result i32)
    (local $n i64)
    (local.set $n (i64.const 100000000000))
    (loop $again
      (local.set $n (i64.sub (local.get $n) (i64.const 1)))
      (br_if $again (i64.ne (local.get $n) (i64.const 0))))
    i32.const 0))
