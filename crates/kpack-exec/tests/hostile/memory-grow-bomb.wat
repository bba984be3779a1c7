;; expect: ok zeros
;; Growth past max_memory_pages gives -1, and what is left below it can be had.
(module
  (memory (export "memory") 1)
  (func (export "run") (param $d i32) (result i32)
    (block $bad
      (br_if $bad (i32.ne (memory.grow (i32.const 65000)) (i32.const -1)))
      (loop $again (br_if $again (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
      (br_if $bad (i32.ne (memory.size) (i32.const 4)))
      (return (i32.const 0)))
    i32.const 6))
