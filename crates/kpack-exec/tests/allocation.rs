//! The bound path allocates nothing.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use kpack_exec::BoundKernel;
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
fn a_bound_call_allocates_nothing() {
    let wat = support::module(
        "(call $copy (call $output (local.get $d)) (call $input_a (local.get $d))
           (call $input_a_size (local.get $d)))
         i32.const 0",
    );
    // Cut into passes, and at once.
    for (parallel, n) in [(json!(["n"]), 1 << 14), (json!([]), 64)] {
        let kernel = support::verified(&wat, json!({"parallel_dims": parallel}));
        for backend in support::backends() {
            let kernel = support::compile(backend.as_ref(), &kernel);
            counts_nothing(backend.name(), kernel.bind(&[("n", n)], &[]).unwrap());
        }
    }
}

fn counts_nothing(engine: &str, mut bound: BoundKernel) {
    let mut round = |value: f32| {
        bound.input_mut::<f32>("x").unwrap().fill(value);
        bound.run().unwrap();
        assert_eq!(
            bound.output::<f32>("y").unwrap().last().unwrap().to_bits(),
            value.to_bits()
        );
    };
    round(0.0);
    let before = COUNT.with(Cell::get);
    for value in 0..100_u8 {
        round(f32::from(value));
    }
    assert_eq!(COUNT.with(Cell::get) - before, 0, "allocations on {engine}");
}
