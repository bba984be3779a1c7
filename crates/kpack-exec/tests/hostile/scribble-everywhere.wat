;; expect: ok zeros
;; limits: ticks=100
(module
  (memory (export "memory") 1)
  (func (export "run") (param $d i32) (result i32)
    (local $i i32) (local $end i32)
    (local.set $end (i32.mul (memory.size) (i32.const 65536)))
    (loop $next
      (i32.store8 (local.get $i) (i32.const 0))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $i) (local.get $end))))
    i32.const 0))
