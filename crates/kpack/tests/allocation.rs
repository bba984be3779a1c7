//! A dispatched call allocates nothing while its kernel serves.

#![cfg(any(feature = "wasmtime", feature = "wasmer"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use kpack::{Dispatcher, Tensor};
use serde_json::json;

/// Counts the allocations of the thread that asks for them.
struct Counting;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every method hands its arguments to the system's allocator unchanged; counting touches
// only a thread-local number that needs no allocation of its own.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block comes from `alloc` above, that is from the system's allocator.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_dispatched_call_allocates_nothing() {
    let made = support::pack(&[("scale.wasm", support::SCALE)], json!([support::scale()]));
    made.release(|manifest| {
        manifest["fallbacks"] = json!({"rmsnorm_f32": "builtin:rmsnorm_reference"});
    });
    let weight = Tensor::new(&[2], vec![2.0_f32, 3.0]).unwrap();
    for runtime in support::runtimes(&kpack::reference_pack::references()) {
        let pack = runtime.load(made.path(), &made.trust()).unwrap();
        let dispatch = Dispatcher::new(&pack).kernel("rmsnorm_f32").unwrap();
        let mut bound = dispatch.bind(&[("rows", 1), ("hidden", 2)], &[]).unwrap();
        bound.keep("weight", &weight).unwrap();
        let mut round = |value: f32| {
            let report = bound.run(|inputs| {
                inputs.slice_mut::<f32>("x")?.fill(value);
                Ok(())
            });
            assert!(!report.unwrap().is_fallback());
            assert_eq!(
                bound.output::<f32>("y").unwrap(),
                [2.0 * value, 3.0 * value]
            );
        };
        round(0.0);
        let before = COUNT.with(Cell::get);
        for value in 0..100_u8 {
            round(f32::from(value));
        }
        assert_eq!(COUNT.with(Cell::get) - before, 0, "on {}", pack.engine());
    }
}
