;; y[row][i] = x[row][i] * weight[i] + eps. Parameters: rows, hidden, eps.
(module
  (memory (export "memory") 1)
  (func (export "run") (param $d i32) (result i32)
    (local $x i32) (local $w i32) (local $y i32) (local $p i32)
    (local $count i32) (local $i i32) (local $hidden i32)
    (local.set $x (i32.load (local.get $d)))
    (local.set $w (i32.load offset=8 (local.get $d)))
    (local.set $y (i32.load offset=16 (local.get $d)))
    (local.set $p (i32.load offset=32 (local.get $d)))
    (local.set $hidden (i32.load offset=4 (local.get $p)))
    (local.set $count (i32.mul (i32.load (local.get $p)) (local.get $hidden)))
    (block $end (loop $next
      (br_if $end (i32.ge_u (local.get $i) (local.get $count)))
      (f32.store
        (i32.add (local.get $y) (i32.mul (local.get $i) (i32.const 4)))
        (f32.add
          (f32.mul
            (f32.load (i32.add (local.get $x) (i32.mul (local.get $i) (i32.const 4))))
            (f32.load (i32.add (local.get $w)
              (i32.mul (i32.rem_u (local.get $i) (local.get $hidden)) (i32.const 4)))))
          (f32.load offset=8 (local.get $p))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $next)))
    (i32.const 0)))
