;; expect: ok input
;; The well-behaved one, so that the others fail for their own reason.
(module
  (memory (export "memory") 1)
  (func (export "run") (param $d i32) (result i32)
    (local $i i32)
    (loop $next
      (i32.store (i32.add (i32.load offset=16 (local.get $d)) (local.get $i))
        (i32.load (i32.add (i32.load (local.get $d)) (local.get $i))))
      (local.set $i (i32.add (local.get $i) (i32.const 4)))
      (br_if $next (i32.lt_u (local.get $i) (i32.load offset=20 (local.get $d)))))
    i32.const 0))
