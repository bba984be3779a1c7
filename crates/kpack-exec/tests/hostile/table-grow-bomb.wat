;; expect: ok zeros
;; features: reference-types
;; The limit counts the elements of all tables together: 16.
(module
  (memory (export "memory") 1)
  (table $t 2 funcref)
  (table $u 2 funcref)
  (func (export "run") (param $d i32) (result i32)
    (block $bad
      (br_if $bad (i32.ne (table.grow $t (ref.null func) (i32.const 100000)) (i32.const -1)))
      (br_if $bad (i32.ne (table.grow $t (ref.null func) (i32.const 10)) (i32.const 2)))
      (br_if $bad (i32.ne (table.grow $u (ref.null func) (i32.const 3)) (i32.const -1)))
      (br_if $bad (i32.ne (table.grow $u (ref.null func) (i32.const 2)) (i32.const 2)))
      (return (i32.const 0)))
    i32.const 6))
