//! Calls that are large enough to run in passes: to the caller they are one call.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod support;

use std::time::Duration;

use kpack_exec::{BoundKernel, CallError, Fault, RunError, StaticPolicy};
use serde_json::json;

use support::{backends, compile, module, verified};

/// Four passes.
const LENGTH: usize = 1 << 14;
const THIRD_PASS: usize = LENGTH / 2;

/// Adds `x` to what it finds in `y`, and writes behind its own output, where the next pass has its
/// own. By the first element that a pass is given it traps (-1), returns 6 (6) or never ends (7).
fn adder() -> String {
    module(
        "(local $i i32) (local $first f32) (local $x i32) (local $y i32)
         (local.set $x (call $input_a (local.get $d)))
         (local.set $y (call $output (local.get $d)))
         (local.set $first (f32.load (local.get $x)))
         (if (f32.eq (local.get $first) (f32.const -1)) (then (unreachable)))
         (if (f32.eq (local.get $first) (f32.const 6)) (then (return (i32.const 6))))
         (if (f32.eq (local.get $first) (f32.const 7)) (then (loop $ever (br $ever))))
         (block $end (loop $next
           (br_if $end (i32.ge_u (local.get $i) (call $output_size (local.get $d))))
           (f32.store (local.get $y) (f32.add (f32.load (local.get $y)) (f32.load (local.get $x))))
           (local.set $x (i32.add (local.get $x) (i32.const 4)))
           (local.set $y (i32.add (local.get $y) (i32.const 4)))
           (local.set $i (i32.add (local.get $i) (i32.const 4)))
           (br $next)))
         (f32.store (local.get $y) (f32.const 1000))
         i32.const 0",
    )
}

/// The adder on every engine, bound so that it is cut into passes or, without a parallel dimension, so
/// that it is not.
fn each(parallel_dims: &[&str], test: impl Fn(&str, BoundKernel)) {
    let changes = json!({
        "parallel_dims": parallel_dims,
        "resource_limits": {"max_epoch_ticks": 20},
    });
    let kernel = verified(&adder(), changes);
    for backend in backends() {
        let kernel = compile(backend.as_ref(), &kernel);
        test(backend.name(), kernel.bind(&[("n", LENGTH)], &[]).unwrap());
    }
}

fn inputs(bound: &mut BoundKernel, third_pass: f32) {
    let x = bound.input_mut::<f32>("x").unwrap();
    for (at, x) in (0_u16..).zip(x.iter_mut()) {
        *x = 10.0 + f32::from(at);
    }
    x[THIRD_PASS] = third_pass;
}

#[test]
fn every_pass_of_every_call_finds_zeros_in_its_output() {
    for parallel_dims in [&["n"][..], &[]] {
        each(parallel_dims, |engine, mut bound| {
            inputs(&mut bound, 0.5);
            let expected = bound.input_mut::<f32>("x").unwrap().to_vec();
            for call in 0..3 {
                bound.run().unwrap();
                let y = bound.output::<f32>("y").unwrap();
                assert!(y == expected, "call {call} on {engine}");
            }
        });
    }
}

#[test]
fn what_ends_the_third_pass_ends_the_call() {
    for (first, kind) in [(-1.0, "unreachable"), (6.0, "status"), (7.0, "deadline")] {
        each(&["n"], |engine, mut bound| {
            inputs(&mut bound, first);
            let error = bound.run().unwrap_err();
            assert_eq!(error.kind(), kind, "{error:?} on {engine}");
            let result = bound.output::<f32>("y");
            assert!(
                matches!(result, Err(CallError::NoResult { .. })),
                "{engine}"
            );

            inputs(&mut bound, 0.5);
            bound.run().unwrap();
            let y = bound.output::<f32>("y").unwrap();
            assert_eq!(
                y[LENGTH - 1].to_bits(),
                (10.0 + 16_383_f32).to_bits(),
                "{engine}"
            );
        });
    }
}

#[test]
fn the_same_input_ends_nothing_where_no_pass_begins_with_it() {
    each(&[], |_, mut bound| {
        inputs(&mut bound, -1.0);
        bound.run().unwrap();
    });
}

/// What the host does between two passes counts as well: a pass that begins late is not run.
#[test]
fn passes_share_one_deadline() {
    let kernel = verified(&module("(loop $once) i32.const 0"), json!({}));
    let vetted = StaticPolicy::default().vet(&kernel).unwrap();
    for backend in backends() {
        let module = vetted.modules().next().unwrap();
        let program = backend.compile(module).unwrap();
        let mut instance = program.instantiate(module).unwrap();
        let mut passes = 0;
        let ended = instance.call(2, &mut |_| {
            passes += 1;
            if passes == 2 {
                std::thread::sleep(Duration::from_millis(200));
            }
            Some(0)
        });
        let fault = ended.unwrap_err();
        assert!(
            matches!(fault, RunError::Fault(Fault::Deadline { ticks: 2 })),
            "{fault:?} on {}",
            backend.name()
        );
        assert_eq!(passes, 2, "on {}", backend.name());
    }
}
