//! The deadline by the clock: a call gets at least the ticks of its kernel, and then ends.
//!
//! How soon after them is measured in `benches`: a busy machine may keep a thread from running.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod support;

use std::time::{Duration, Instant};

use kpack_exec::{CompiledKernel, Fault};
use serde_json::json;

use support::{backends, compile, verified};

const LOOP: &str = "(module (memory (export \"memory\") 1)
    (func (export \"run\") (param i32) (result i32) (loop $again (br $again)) unreachable))";

fn each(ticks: u64, test: impl Fn(CompiledKernel)) {
    let kernel = verified(LOOP, json!({"resource_limits": {"max_epoch_ticks": ticks}}));
    for backend in backends() {
        test(compile(backend.as_ref(), &kernel));
    }
}

fn time_to_deadline(kernel: &CompiledKernel, ticks: u64) -> Duration {
    let mut bound = kernel.bind(&[("n", 1)], &[]).unwrap();
    bound.input_mut::<f32>("x").unwrap().fill(0.0);
    let start = Instant::now();
    let error = bound.run().unwrap_err();
    let elapsed = start.elapsed();
    assert_eq!(error.fault(), Some(&Fault::Deadline { ticks }));
    elapsed
}

#[test]
fn a_call_gets_its_ticks_and_then_ends() {
    for ticks in [1, 5] {
        each(ticks, |kernel| {
            let least = Duration::from_millis(10 * ticks);
            let elapsed = time_to_deadline(&kernel, ticks);
            assert!(elapsed >= least, "{elapsed:?} for {ticks} ticks");
        });
    }
}

#[test]
fn calls_on_several_threads_keep_their_own_deadlines() {
    each(2, |kernel| {
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..3 {
                        assert!(time_to_deadline(&kernel, 2) >= Duration::from_millis(20));
                    }
                });
            }
        });
    });
}

#[test]
fn deadlines_hold_when_the_backend_itself_is_gone() {
    let kernel = verified(LOOP, json!({"resource_limits": {"max_epoch_ticks": 3}}));
    for backend in backends() {
        let compiled = compile(backend.as_ref(), &kernel);
        drop(backend);
        time_to_deadline(&compiled, 3);
    }
}

#[test]
fn short_calls_are_not_interrupted_however_many() {
    let wat = support::module("i32.const 0");
    // Each call is far shorter than its ticks, all together are longer.
    let kernel = verified(&wat, json!({"resource_limits": {"max_epoch_ticks": 20}}));
    for backend in backends() {
        let mut bound = compile(backend.as_ref(), &kernel)
            .bind(&[("n", 1)], &[])
            .unwrap();
        bound.input_mut::<f32>("x").unwrap().fill(0.0);
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(400) {
            bound.run().unwrap();
        }
    }
}
