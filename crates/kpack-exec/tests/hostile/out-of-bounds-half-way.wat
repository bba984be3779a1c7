;; expect: fault memory_out_of_bounds
;; It writes its whole output on the way to the end of its memory.
(module
  (memory (export "memory") 1)
  (func (export "run") (param $d i32) (result i32)
    (local $at i32)
    (local.set $at (i32.load offset=16 (local.get $d)))
    (loop $next
      (i32.store (local.get $at) (i32.const -1))
      (local.set $at (i32.add (local.get $at) (i32.const 4)))
      (br $next))
    unreachable))
