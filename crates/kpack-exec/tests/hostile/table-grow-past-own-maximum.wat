;; expect: ok zeros
;; features: reference-types
;; A growth that the table itself refuses uses up nothing of the limit.
(module
  (memory (export "memory") 1)
  (table $t 2 4 funcref)
  (table $u 2 funcref)
  (func (export "run") (param $d i32) (result i32)
    (block $bad
      (br_if $bad (i32.ne (table.grow $t (ref.null func) (i32.const 3)) (i32.const -1)))
      (br_if $bad (i32.ne (table.grow $u (ref.null func) (i32.const 12)) (i32.const 2)))
      (return (i32.const 0)))
    i32.const 6))
