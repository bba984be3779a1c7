//! Every way to go on for ever ends at the deadline, and not before.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod support;

use std::fmt::Write;
use std::time::{Duration, Instant};

use kpack_exec::Fault;
use serde_json::json;

use support::{backends, compile, verified};

const TICKS: u64 = 2;

/// Runs the module, which never ends by itself, on every engine.
fn ends_at_the_deadline(name: &str, wat: &str) {
    let features = json!({"features": ["bulk-memory", "reference-types", "simd"],
        "min_version": "0.0.1"});
    let kernel = verified(
        wat,
        json!({
            "platforms": {"wasmtime": features, "wasmer": features},
            "resource_limits": {"max_epoch_ticks": TICKS, "max_memory_pages": 64},
        }),
    );
    for backend in backends() {
        let compiled = compile(backend.as_ref(), &kernel);
        for _ in 0..3 {
            let mut bound = compiled.bind(&[("n", 1)], &[]).unwrap();
            bound.input_mut::<f32>("x").unwrap().fill(0.0);
            let start = Instant::now();
            let error = bound.run().unwrap_err();
            let elapsed = start.elapsed();
            let engine = backend.name();
            let expected = Fault::Deadline { ticks: TICKS };
            assert_eq!(error.fault(), Some(&expected), "{name} on {engine}");
            let least = Duration::from_millis(10 * TICKS);
            assert!(elapsed >= least, "{name} on {engine}: {elapsed:?}");
        }
    }
}

fn run(body: &str) -> String {
    format!(
        "(module (memory (export \"memory\") 1) (table $t 1 funcref) (global $g (mut i32) (i32.const 0))
           (func (export \"run\") (param $d i32) (result i32) (local $i i32) {body} unreachable))"
    )
}

#[test]
fn loops() {
    for (name, body) in [
        ("nothing", "(loop $again (br $again))"),
        (
            "a counter",
            "(loop $again (local.set $i (i32.add (local.get $i) (i32.const 1))) (br $again))",
        ),
        (
            "a global that never changes",
            "(loop $again (br_if $again (i32.eqz (global.get $g))))",
        ),
        (
            "a loop after a loop",
            "(loop $first (br_if $first (i32.lt_u
               (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 10))))
             (loop $again (br $again))",
        ),
        (
            "loops within loops",
            "(loop $outer (local.set $i (i32.const 0)) (loop $inner (br_if $inner (i32.lt_u
               (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 3)))) (br $outer))",
        ),
        (
            "reading memory",
            "(loop $again (br_if $again (i32.eqz (i32.and (i32.const 0) (i32.load (i32.const 0))))))",
        ),
        (
            "growing memory",
            "(loop $again (drop (memory.grow (i32.const 1))) (br $again))",
        ),
        (
            "growing a table",
            "(loop $again (drop (table.grow $t (ref.null func) (i32.const 1))) (br $again))",
        ),
        (
            "filling memory",
            "(drop (memory.grow (i32.const 62))) (loop $again
               (memory.fill (i32.const 0) (i32.const 7) (i32.const 4128768)) (br $again))",
        ),
        (
            "copying memory",
            "(drop (memory.grow (i32.const 62))) (loop $again
               (memory.copy (i32.const 0) (i32.const 2031616) (i32.const 2031616)) (br $again))",
        ),
        (
            "carried values",
            "(i32.const 1) (loop $again (param i32) (result i32) (br $again)) (local.set $i)",
        ),
        (
            "a branch table",
            "(loop $again (br_table $again $again $again (local.get $i)))",
        ),
    ] {
        ends_at_the_deadline(name, &run(body));
    }
}

#[test]
fn recursion_of_bounded_depth() {
    let wat = "(module (memory (export \"memory\") 1)
        (func $twice (param i32)
          (if (local.get 0) (then
            (call $twice (i32.sub (local.get 0) (i32.const 1)))
            (call $twice (i32.sub (local.get 0) (i32.const 1))))))
        (func (export \"run\") (param i32) (result i32)
          (call $twice (i32.const 60)) i32.const 0))";
    ends_at_the_deadline("recursion", wat);
}

#[test]
fn calls_without_a_loop_or_recursion() {
    let mut wat = "(module (memory (export \"memory\") 1) (func $f0)".to_owned();
    for i in 1..=60 {
        let callee = i - 1;
        write!(wat, "(func $f{i} (call $f{callee}) (call $f{callee}))").unwrap();
    }
    wat.push_str("(func (export \"run\") (param i32) (result i32) (call $f60) i32.const 0))");
    ends_at_the_deadline("a tree of calls", &wat);
}

#[test]
fn an_unreachable_before_the_deadline_is_not_the_deadline() {
    let wat = support::module("unreachable");
    let kernel = verified(&wat, json!({"resource_limits": {"max_epoch_ticks": 500}}));
    for backend in backends() {
        let compiled = compile(backend.as_ref(), &kernel);
        let mut bound = compiled.bind(&[("n", 1)], &[]).unwrap();
        bound.input_mut::<f32>("x").unwrap().fill(0.0);
        let error = bound.run().unwrap_err();
        assert_eq!(error.fault(), Some(&Fault::Unreachable));
    }
}
