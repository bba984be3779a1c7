;; Copies the first input to the output, byte by byte.
(module
  (memory (export "memory") 1)
  (func (export "run") (param $d i32) (result i32)
    (local $i i32)
    (block $end
      (loop $next
        (br_if $end (i32.ge_u (local.get $i) (i32.load offset=4 (local.get $d))))
        (i32.store8
          (i32.add (i32.load offset=16 (local.get $d)) (local.get $i))
          (i32.load8_u (i32.add (i32.load (local.get $d)) (local.get $i))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next)))
    i32.const 0))
