;; expect: fault deadline
;; features: bulk-memory, reference-types
;; limits: ticks=3 table=65536
(module
  (memory (export "memory") 1)
  (table $t 65536 funcref)
  (func $f)
  (elem declare func $f)
  (func (export "run") (param $d i32) (result i32)
    (loop $again
      (table.fill $t (i32.const 0) (ref.func $f) (i32.const 65536))
      (br $again))
    unreachable))
