;; Copies the first input to the output, unless the first element asks for something else:
;; 1 runs into unreachable, 2 returns a status of the caller's fault, 3 one of the kernel's, 4 never
;; ends. Whatever it does, it first fills the output with 0x7f, and before 1 and 3 its inputs as well.
(module
  (memory (export "memory") 1)
  (func $fill (param $at i32) (param $size i32)
    (local $i i32)
    (block $end
      (loop $next
        (br_if $end (i32.ge_u (local.get $i) (local.get $size)))
        (i32.store8 (i32.add (local.get $at) (local.get $i)) (i32.const 0x7f))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next))))
  (func $scribble (param $d i32)
    (call $fill (i32.load (local.get $d)) (i32.load offset=4 (local.get $d)))
    (call $fill (i32.load offset=8 (local.get $d)) (i32.load offset=12 (local.get $d))))
  (func (export "run") (param $d i32) (result i32)
    (local $i i32)
    (local $mood i32)
    (local.set $mood (i32.trunc_sat_f32_s (f32.load (i32.load (local.get $d)))))
    (call $fill (i32.load offset=16 (local.get $d)) (i32.load offset=20 (local.get $d)))
    (if (i32.eq (local.get $mood) (i32.const 1))
      (then (call $scribble (local.get $d)) unreachable))
    (if (i32.eq (local.get $mood) (i32.const 2)) (then (return (i32.const 1))))
    (if (i32.eq (local.get $mood) (i32.const 3))
      (then (call $scribble (local.get $d)) (return (i32.const 6))))
    (if (i32.eq (local.get $mood) (i32.const 4)) (then (loop $forever (br $forever))))
    (block $end
      (loop $next
        (br_if $end (i32.ge_u (local.get $i) (i32.load offset=4 (local.get $d))))
        (i32.store8
          (i32.add (i32.load offset=16 (local.get $d)) (local.get $i))
          (i32.load8_u (i32.add (i32.load (local.get $d)) (local.get $i))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next)))
    i32.const 0))
