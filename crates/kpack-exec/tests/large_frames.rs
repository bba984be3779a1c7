//! Functions whose stack frames are larger than any guard page: the stack limit binds all the same.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod support;

use std::fmt::Write;

use kpack_exec::Fault;
use serde_json::json;

use support::{backends, compile, verified};

/// Calls itself for ever, with so many values on its operand stack that come back to life afterwards.
fn recursion(values: u32, load: &str, combine: &str) -> String {
    let mut body = String::new();
    for i in 0..values {
        write!(body, "({load} offset={} (i32.const 0))", i % 1000).unwrap();
    }
    body.push_str("(call $down)");
    for _ in 1..values {
        body.push_str(combine);
    }
    format!(
        "(module (memory (export \"memory\") 1)
           (func $down {body} drop)
           (func (export \"run\") (param i32) (result i32) (call $down) i32.const 0))"
    )
}

#[test]
fn frames_of_any_size_end_at_the_stack_limit() {
    let features = json!({"min_version": "0.0.1", "features": ["simd"]});
    for (values, load, combine) in [
        (600, "i64.load", "(i64.add)"),
        (600, "v128.load", "(i8x16.add)"),
        (5_000, "i32.load", "(i32.xor)"),
        (5_000, "v128.load", "(v128.xor)"),
    ] {
        for stack in [65_536, 1 << 20] {
            let wat = recursion(values, load, combine);
            let kernel = verified(
                &wat,
                json!({
                    "platforms": {"wasmtime": features, "wasmer": features},
                    "resource_limits": {"max_stack_size": stack},
                }),
            );
            for backend in backends() {
                let mut bound = compile(backend.as_ref(), &kernel)
                    .bind(&[("n", 1)], &[])
                    .unwrap();
                bound.input_mut::<f32>("x").unwrap().fill(0.0);
                let error = bound.run().unwrap_err();
                let place = format!("{values} x {load}, {stack} bytes on {}", backend.name());
                assert_eq!(error.fault(), Some(&Fault::StackOverflow), "{place}");
            }
        }
    }
}
