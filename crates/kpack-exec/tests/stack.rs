//! The stack limit binds whatever ran before on the same thread, or on others.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod support;

use std::thread;

use kpack_exec::{Backend, BoundKernel, CompiledKernel, Fault};
use serde_json::json;

use support::{backends, compile, verified};

const SMALL: usize = 64 * 1024;
const LARGE: usize = 1024 * 1024;

/// What an engine may use beyond the limit for its own entry into a kernel.
const SLACK: usize = 16 * 1024;

/// Calls itself as often as the first input says, and is not to be turned into a loop.
const DOWN: &str = "(module
    (memory (export \"memory\") 1)
    (func $down (param i32) (result i32)
      (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))
      (i32.xor (i32.const 1) (call $down (i32.sub (local.get 0) (i32.const 1)))))
    (func (export \"run\") (param $d i32) (result i32)
      (drop (call $down (i32.trunc_f32_u (f32.load (i32.load (local.get $d))))))
      i32.const 0))";

fn kernel(backend: &dyn Backend, stack_bytes: usize) -> CompiledKernel {
    let limits = json!({"max_stack_size": stack_bytes, "max_epoch_ticks": 1000});
    compile(backend, &verified(DOWN, json!({"resource_limits": limits})))
}

fn reaches(bound: &mut BoundKernel, depth: u16) -> bool {
    bound.input_mut::<f32>("x").unwrap().fill(f32::from(depth));
    match bound.run() {
        Ok(()) => true,
        Err(error) => {
            assert_eq!(error.fault(), Some(&Fault::StackOverflow));
            false
        }
    }
}

/// The deepest recursion that ends well.
fn depth(kernel: &CompiledKernel) -> u16 {
    let mut bound = kernel.bind(&[("n", 1)], &[]).unwrap();
    let (mut reached, mut missed) = (0, u16::MAX);
    while missed - reached > 1 {
        let middle = reached + (missed - reached) / 2;
        if reaches(&mut bound, middle) {
            reached = middle;
        } else {
            missed = middle;
        }
    }
    reached
}

fn run_once(kernel: &CompiledKernel) {
    let mut bound = kernel.bind(&[("n", 1)], &[]).unwrap();
    assert!(reaches(&mut bound, 10));
}

#[test]
fn a_stack_is_no_larger_than_its_limit_and_a_little() {
    for backend in backends() {
        let small = usize::from(depth(&kernel(backend.as_ref(), SMALL)));
        let twice = usize::from(depth(&kernel(backend.as_ref(), 2 * SMALL)));
        // A frame takes at least a return address and what was saved of the caller's.
        let frame = SMALL / (twice - small);
        assert!(frame >= 16, "{} bytes a frame", frame);
        assert!(small * frame >= SMALL - SLACK, "{small} frames of {frame}");
        assert!(small * frame <= SMALL + SLACK, "{small} frames of {frame}");
    }
}

#[test]
fn a_small_limit_binds_after_a_large_one_on_the_same_thread() {
    for backend in backends() {
        let small = kernel(backend.as_ref(), SMALL);
        let large = kernel(backend.as_ref(), LARGE);
        let alone = thread::scope(|scope| scope.spawn(|| depth(&small)).join().unwrap());
        for _ in 0..3 {
            run_once(&large);
            assert_eq!(depth(&small), alone, "{}", backend.name());
            assert!(depth(&large) > 4 * alone, "{}", backend.name());
        }
    }
}

#[test]
fn a_small_limit_binds_after_a_large_one_on_a_thread_that_has_ended() {
    for backend in backends() {
        let small = kernel(backend.as_ref(), SMALL);
        let large = kernel(backend.as_ref(), LARGE);
        let on_a_thread_of_its_own =
            || thread::scope(|scope| scope.spawn(|| depth(&small)).join().unwrap());
        let alone = on_a_thread_of_its_own();
        for _ in 0..20 {
            thread::scope(|scope| scope.spawn(|| run_once(&large)).join().unwrap());
            assert_eq!(on_a_thread_of_its_own(), alone, "{}", backend.name());
        }
    }
}

#[test]
fn limits_of_several_sizes_bind_at_the_same_time() {
    for backend in backends() {
        let sizes = [SMALL, 2 * SMALL, 4 * SMALL, LARGE];
        let kernels = sizes.map(|size| kernel(backend.as_ref(), size));
        let alone = kernels.each_ref().map(depth);
        thread::scope(|scope| {
            for start in 0..4 {
                let (kernels, alone) = (&kernels, &alone);
                scope.spawn(move || {
                    for turn in 0..8 {
                        let which = (start + turn) % kernels.len();
                        // Threads come and go while others run.
                        let inner = thread::scope(|scope| {
                            scope.spawn(|| depth(&kernels[which])).join().unwrap()
                        });
                        assert_eq!(inner, alone[which]);
                        assert_eq!(depth(&kernels[which]), alone[which]);
                    }
                });
            }
        });
    }
}

#[test]
fn a_limit_binds_on_a_thread_whose_own_stack_is_smaller() {
    for backend in backends() {
        let large = kernel(backend.as_ref(), LARGE);
        let alone = depth(&large);
        let thread = thread::Builder::new().stack_size(SMALL * 2);
        let name = backend.name();
        thread::scope(|scope| {
            let thread = thread.spawn_scoped(scope, || depth(&large)).unwrap();
            assert_eq!(thread.join().unwrap(), alone, "{name}");
        });
    }
}

#[test]
fn the_smallest_limit_still_lets_a_small_kernel_run() {
    for backend in backends() {
        let smallest = kernel(backend.as_ref(), 1);
        assert!(depth(&smallest) >= 10, "{}", backend.name());
    }
}
