//! What one call leaves behind, no other owner sees.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod support;

use kpack_exec::{Call, CompiledKernel, Fault, Tensor};
use serde_json::json;

use support::{backends, compile, verified};

/// Returns 6 when it finds a canary in its memory, a global, a table or behind the grown memory,
/// and leaves one in each.
const CANARY: &str = r#"(module
    (memory (export "memory") 1)
    (global $g (mut i32) (i32.const 0))
    (table $t 4 funcref)
    (elem declare func $f)
    (func $f)
    (func $last (result i32) (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 4)))
    (func (export "run") (param $d i32) (result i32)
      (if (global.get $g) (then (return (i32.const 6))))
      (if (i32.load (i32.const 1024)) (then (return (i32.const 6))))
      (if (i32.load (call $last)) (then (return (i32.const 6))))
      (if (i32.eqz (ref.is_null (table.get $t (i32.const 0)))) (then (return (i32.const 6))))
      (if (i32.ne (table.size $t) (i32.const 4)) (then (return (i32.const 6))))
      (global.set $g (i32.const 0x5ca1ab1e))
      (i32.store (i32.const 1024) (i32.const 0x5ca1ab1e))
      (i32.store (call $last) (i32.const 0x5ca1ab1e))
      (table.set $t (i32.const 0) (ref.func $f))
      (drop (table.grow $t (ref.func $f) (i32.const 2)))
      i32.const 0))"#;

fn each(test: impl Fn(CompiledKernel)) {
    for backend in backends() {
        let platform =
            json!({"min_version": "0.0.1", "features": ["reference-types", "bulk-memory"]});
        let kernel = json!({"platforms": {backend.name(): platform}});
        test(compile(backend.as_ref(), &verified(CANARY, kernel)));
    }
}

#[test]
fn one_shot_calls_do_not_see_each_other() {
    each(|kernel| {
        let x = Tensor::new(&[2], vec![1.0_f32, 2.0]).unwrap();
        for _ in 0..20 {
            kernel.call().input("x", &x).and_then(Call::run).unwrap();
        }
    });
}

#[test]
fn bound_kernels_do_not_see_each_other_nor_those_before() {
    each(|kernel| {
        let run_once = || {
            let mut bound = kernel.bind(&[("n", 2)], &[]).unwrap();
            bound.input_mut::<f32>("x").unwrap().fill(0.0);
            bound.run().unwrap();
            bound
        };
        let alive: Vec<_> = (0..5).map(|_| run_once()).collect();
        drop(alive);
        for _ in 0..5 {
            drop(run_once());
        }
    });
}

#[test]
fn the_canary_is_there_for_its_own_owner() {
    each(|kernel| {
        let mut bound = kernel.bind(&[("n", 2)], &[]).unwrap();
        bound.input_mut::<f32>("x").unwrap().fill(0.0);
        bound.run().unwrap();
        let error = bound.run().unwrap_err();
        assert_eq!(
            error.fault(),
            Some(&Fault::Status { code: 6 }),
            "the test itself works"
        );
    });
}
