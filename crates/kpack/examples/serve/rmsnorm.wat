;; RMSNorm, one element at a time: y = x / sqrt(mean(x^2) + eps) * (weight + weight_offset).
;; REPEATS, FACTOR and CHECK stand for what is wrong with a release.
(module
  (memory (export "memory") 1)
  (func (export "rmsnorm_forward") (param $d i32) (result i32)
    (local $x i32) (local $weight i32) (local $y i32) (local $params i32)
    (local $rows i32) (local $bytes i32) (local $at i32) (local $left i32)
    (local $value f64) (local $sum f64) (local $scale f32)
    (local.set $x (i32.load (local.get $d)))
    (local.set $weight (i32.load offset=8 (local.get $d)))
    (local.set $y (i32.load offset=16 (local.get $d)))
    (local.set $params (i32.load offset=32 (local.get $d)))
    (local.set $rows (i32.load (local.get $params)))
    (local.set $bytes (i32.shl (i32.load offset=4 (local.get $params)) (i32.const 2)))
    ;; CHECK
    (loop $row
      (local.set $left (i32.const REPEATS))
      (loop $repeat
        (local.set $sum (f64.const 0))
        (local.set $at (i32.const 0))
        (loop $next
          (local.set $value
            (f64.promote_f32 (f32.load (i32.add (local.get $x) (local.get $at)))))
          (local.set $sum
            (f64.add (local.get $sum) (f64.mul (local.get $value) (local.get $value))))
          (local.set $at (i32.add (local.get $at) (i32.const 4)))
          (br_if $next (i32.lt_u (local.get $at) (local.get $bytes))))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br_if $repeat (local.get $left)))
      (local.set $scale
        (f32.demote_f64
          (f64.div (f64.const FACTOR)
            (f64.sqrt
              (f64.add
                (f64.div (local.get $sum)
                  (f64.convert_i32_u (i32.load offset=4 (local.get $params))))
                (f64.promote_f32 (f32.load offset=8 (local.get $params))))))))
      (local.set $at (i32.const 0))
      (loop $next
        (f32.store (i32.add (local.get $y) (local.get $at))
          (f32.mul
            (f32.mul
              (f32.load (i32.add (local.get $x) (local.get $at)))
              (local.get $scale))
            (f32.add
              (f32.load (i32.add (local.get $weight) (local.get $at)))
              (f32.load offset=12 (local.get $params)))))
        (local.set $at (i32.add (local.get $at) (i32.const 4)))
        (br_if $next (i32.lt_u (local.get $at) (local.get $bytes))))
      (local.set $x (i32.add (local.get $x) (local.get $bytes)))
      (local.set $y (i32.add (local.get $y) (local.get $bytes)))
      (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
      (br_if $row (local.get $rows)))
    (i32.const 0)))
