//! Calls on tensors of the host's: the same bits however a call is cut, and nothing shown of one
//! that failed.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod support;

use std::num::NonZeroU32;

use kpack_exec::{Caller, CallerOptions, CompiledKernel, Fault, TensorView};
use kpack_schema::ParamValue;
use serde_json::json;

use support::reference::reference;
use support::{backends, compile, module, verified};

fn options(threads: u32, tile_bytes: u64) -> CallerOptions {
    CallerOptions {
        threads: NonZeroU32::new(threads).unwrap(),
        tile_bytes,
    }
}

/// Distinct values of moderate size.
fn values(count: usize) -> Vec<f32> {
    let value = |i: usize| (i * 7919 % 4093) as f32 / 1024.0 - 2.0;
    (0..count).map(value).collect()
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

struct Rope {
    shape: [usize; 4],
    half: usize,
}

impl Rope {
    fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    fn freqs_shape(&self) -> [usize; 3] {
        [self.shape[1], 2, self.half]
    }

    fn whole(&self, kernel: &CompiledKernel) -> Vec<u32> {
        let params = [("interleaved", ParamValue::Bool(true))];
        let freqs = self.freqs_shape();
        let shapes: [(&str, &[usize]); 2] = [("x", &self.shape), ("freqs", &freqs)];
        let mut bound = kernel.bind_shapes(&shapes, &params).unwrap();
        let (x, table) = (values(self.elements()), values(freqs.iter().product()));
        bound.input_mut("x").unwrap().copy_from_slice(&x);
        bound.input_mut("freqs").unwrap().copy_from_slice(&table);
        bound.run().unwrap();
        bits(bound.output("y").unwrap())
    }

    fn cut(&self, caller: &mut Caller) -> Vec<u32> {
        let freqs = self.freqs_shape();
        let (x, table) = (values(self.elements()), values(freqs.iter().product()));
        let mut y = vec![f32::NAN; self.elements()];
        caller
            .call()
            .input("x", TensorView::of(&self.shape, &x).unwrap())
            .unwrap()
            .input("freqs", TensorView::of(&freqs, &table).unwrap())
            .unwrap()
            .param("interleaved", true)
            .unwrap()
            .output("y", &mut y)
            .unwrap()
            .run()
            .unwrap();
        bits(&y)
    }
}

#[test]
fn the_results_are_the_same_bits_however_a_call_is_cut() {
    let shapes = [
        Rope {
            shape: [1, 1, 1, 6],
            half: 2,
        },
        Rope {
            shape: [3, 17, 5, 20],
            half: 9,
        },
        // Large enough for several threads.
        Rope {
            shape: [2, 96, 16, 128],
            half: 64,
        },
    ];
    for kernel in reference("rope_f32") {
        for backend in backends() {
            let kernel = compile(backend.as_ref(), &kernel);
            for shape in &shapes {
                let whole = shape.whole(&kernel);
                for (threads, tile_bytes) in
                    [(1, u64::MAX), (1, 1), (1, 5000), (2, 1 << 16), (3, 1)]
                {
                    let mut caller = kernel.caller(options(threads, tile_bytes)).unwrap();
                    for _ in 0..2 {
                        let cut = shape.cut(&mut caller);
                        let dims = shape.shape;
                        assert!(
                            cut == whole,
                            "{dims:?}, {threads} threads, tiles of {tile_bytes}"
                        );
                    }
                }
            }
        }
    }
}

/// Copies its input; traps where the first element of a tile is negative.
fn wary() -> String {
    module(
        "(if (f32.lt (f32.load (call $input_a (local.get $d))) (f32.const 0)) (then unreachable))
         (call $copy (call $output (local.get $d)) (call $input_a (local.get $d))
           (call $input_a_size (local.get $d)))
         i32.const 0",
    )
}

fn each(wat: &str, changes: serde_json::Value, test: impl Fn(CompiledKernel)) {
    let mut kernel = json!({
        "inputs": [{"name": "x", "dtype": "f32", "shape": ["n", 2]}],
        "outputs": [{"name": "y", "dtype": "f32", "shape": ["n", 2]}],
        "parallel_dims": ["n"]
    });
    for (name, change) in changes.as_object().unwrap() {
        kernel[name] = change.clone();
    }
    let kernel = verified(wat, kernel);
    for backend in backends() {
        test(compile(backend.as_ref(), &kernel));
    }
}

fn call(caller: &mut Caller, x: &[f32], y: &mut [f32]) -> Result<(), kpack_exec::CallError> {
    let shape = [x.len() / 2, 2];
    let x = TensorView::of(&shape, x).unwrap();
    caller.call().input("x", x)?.output("y", y)?.run()
}

#[test]
fn of_a_call_that_fails_in_one_tile_nothing_is_shown_and_the_next_one_works() {
    each(&wary(), json!({}), |kernel| {
        let mut caller = kernel.caller(options(1, 16)).unwrap();
        let mut x = values(12).iter().map(|x| x.abs()).collect::<Vec<f32>>();
        let mut y = vec![7.0; 12];
        call(&mut caller, &x, &mut y).unwrap();
        assert_eq!(y, x);
        x[8] = -1.0;
        let error = call(&mut caller, &x, &mut y).unwrap_err();
        assert_eq!(error.fault(), Some(&Fault::Unreachable));
        assert_eq!(y, [0.0; 12], "no tile's result is shown");
        x[8] = 1.0;
        call(&mut caller, &x, &mut y).unwrap();
        assert_eq!(y, x);
    });
}

#[test]
fn a_call_larger_than_the_kernels_memory_is_cut_to_fit_it() {
    each(&wary(), json!({}), |kernel| {
        // The kernel has 4 pages; the tensors take 2 x 800 KiB.
        let x: Vec<f32> = values(204_800).iter().map(|x| x.abs()).collect();
        let shape: [(&str, &[usize]); 1] = [("x", &[x.len() / 2, 2])];
        let error = kernel.bind_shapes(&shape, &[]).unwrap_err();
        assert_eq!(error.kind(), "memory_limit");
        let mut caller = kernel.caller(options(1, u64::MAX)).unwrap();
        let mut y = vec![0.0; x.len()];
        call(&mut caller, &x, &mut y).unwrap();
        assert!(y == x);
    });
}

#[test]
fn the_tiles_share_the_ticks_of_the_kernel() {
    // Each tile runs for a part of a tick, all together for more than the two that there are.
    let busy = module(
        "(local $i i32)
         (loop $next
           (local.set $i (i32.add (local.get $i) (i32.const 1)))
           (br_if $next (i32.lt_u (local.get $i) (i32.const 3000000))))
         i32.const 0",
    );
    let limits = json!({"resource_limits": {
        "max_memory_pages": 4, "max_epoch_ticks": 2, "max_table_elements": 0
    }});
    each(&busy, limits, |kernel| {
        let mut caller = kernel.caller(options(1, 16)).unwrap();
        let error = call(&mut caller, &values(400), &mut [0.0; 400]).unwrap_err();
        assert_eq!(error.fault(), Some(&Fault::Deadline { ticks: 2 }));
    });
}

#[test]
fn what_the_host_copies_is_not_the_kernels_time() {
    // 128 MiB that the host copies and no machine copies within a tick, and next to nothing for the kernel
    // to do: to clear 16 KiB.
    const SHAPE: [usize; 2] = [4096, 8192];
    let kernel = json!({
        "inputs": [{"name": "x", "dtype": "f32", "shape": ["n", SHAPE[1]]}],
        "outputs": [{"name": "y", "dtype": "f32", "shape": ["n", 1]}],
        "resource_limits": {
            "max_memory_pages": 48, "max_epoch_ticks": 1, "max_table_elements": 0
        }
    });
    let x = values(SHAPE[0] * SHAPE[1]);
    each(&module("i32.const 0"), kernel, |kernel| {
        let mut caller = kernel.caller(options(1, 1 << 20)).unwrap();
        let mut y = vec![1.0; SHAPE[0]];
        let mut call = || {
            let x = TensorView::of(&SHAPE, &x).unwrap();
            caller.call().input("x", x)?.output("y", &mut y)?.run()
        };
        // A busy machine may take a tick away from the kernel; were the copies counted, no call would end
        // in time.
        let is_served = (0..20).any(|_| match call() {
            Ok(()) => true,
            Err(error) => {
                assert_eq!(error.fault(), Some(&Fault::Deadline { ticks: 1 }));
                false
            }
        });
        assert!(is_served);
        assert!(y.iter().all(|&y| y == 0.0));
    });
}

#[test]
fn every_call_has_its_own_inputs_and_parameters() {
    // y = x * weight + bias, with one weight for all rows; 1 / bias tells 0 from -0.
    let wat = module(
        "(f32.store (call $output (local.get $d))
           (f32.add
             (f32.mul (f32.load (call $input_a (local.get $d))) (f32.load (call $input_b (local.get $d))))
             (f32.div (f32.const 1) (f32.load offset=4 (call $params (local.get $d))))))
         i32.const 0",
    );
    let kernel = json!({
        "inputs": [
            {"name": "x", "dtype": "f32", "shape": ["rows", 1]},
            {"name": "weight", "dtype": "f32", "shape": [1]}
        ],
        "outputs": [{"name": "y", "dtype": "f32", "shape": ["rows", 1]}],
        "params": {"bias": {"type": "f32", "default": 1.0}},
        "parallel_dims": ["rows"]
    });
    let kernel = verified(&wat, kernel);
    for backend in backends() {
        let kernel = compile(backend.as_ref(), &kernel);
        let mut caller = kernel.caller(options(1, 1)).unwrap();
        let mut run = |weight: f32, bias: f32| {
            let (x, weight, mut y) = ([1.0_f32, 2.0, 3.0], [weight], [0.0_f32; 3]);
            let call = caller.call();
            let call = call
                .input("x", TensorView::of(&[3, 1], &x).unwrap())
                .unwrap();
            let call = call.input("weight", TensorView::of(&[1], &weight).unwrap());
            let call = call.unwrap().param("bias", bias).unwrap();
            call.output("y", &mut y).unwrap().run().unwrap();
            y
        };
        assert_eq!(run(2.0, 1.0), [3.0, 5.0, 7.0]);
        assert_eq!(run(3.0, 1.0), [4.0, 7.0, 10.0], "the weight of this call");
        assert_eq!(
            run(3.0, 0.5),
            [5.0, 8.0, 11.0],
            "the parameter of this call"
        );
        assert_eq!(run(3.0, 0.0), [f32::INFINITY; 3]);
        assert_eq!(
            run(3.0, -0.0),
            [f32::NEG_INFINITY; 3],
            "0 and -0 are two values"
        );
        assert_eq!(run(2.0, 1.0), [3.0, 5.0, 7.0], "an earlier set again");
    }
}

#[test]
fn scratch_in_blocks_stays_whole() {
    let scratch = json!({
        "inputs": [{"name": "x", "dtype": "f32", "shape": ["n"]}],
        "outputs": [{"name": "y", "dtype": "f32", "shape": ["n"]}],
        "scratch": {"dtype": "q8", "shape": ["n"]}
    });
    each(&wary(), scratch, |kernel| {
        let x = vec![1.0_f32; 64];
        let mut y = vec![0.0_f32; 64];
        let mut caller = kernel.caller(options(1, 100)).unwrap();
        let view = TensorView::of(&[64], &x).unwrap();
        let call = caller.call().input("x", view).unwrap();
        call.output("y", &mut y).unwrap().run().unwrap();
        assert_eq!(y, x);
    });
}

#[test]
fn what_can_never_fit_is_said_at_once() {
    let one_page = json!({
        "inputs": [{"name": "x", "dtype": "u8", "shape": ["n"]}],
        "outputs": [{"name": "y", "dtype": "u8", "shape": ["n"]}],
        "resource_limits": {
            "max_memory_pages": 1, "max_epoch_ticks": 1, "max_table_elements": 0
        }
    });
    each(&wary(), one_page, |kernel| {
        let x = vec![0_u8; 4_000_000];
        let mut caller = kernel.caller(CallerOptions::default()).unwrap();
        let shape = [x.len()];
        let view = TensorView::of(&shape, &x).unwrap();
        let error = caller.call().input("x", view).unwrap().run().unwrap_err();
        assert_eq!(error.kind(), "memory_limit");
    });
    let huge = json!({
        "inputs": [{"name": "x", "dtype": "f32", "shape": [4]}],
        "outputs": (0..5).map(|i| json!({"name": format!("y{i}"), "dtype": "u8", "shape": ["m", "m"]}))
            .collect::<Vec<_>>(),
        "params": {"m": {"type": "u64", "default": null}},
        "parallel_dims": []
    });
    each(&wary(), huge, |kernel| {
        let x = [0.0_f32; 4];
        let mut caller = kernel.caller(CallerOptions::default()).unwrap();
        let view = TensorView::of(&[4], &x).unwrap();
        let call = caller.call().input("x", view).unwrap();
        let error = call.param("m", 1_u64 << 31).unwrap().run().unwrap_err();
        assert_eq!(error.kind(), "memory_limit");
    });
}

#[test]
fn what_does_not_fit_is_the_callers_fault() {
    each(&wary(), json!({}), |kernel| {
        let mut caller = kernel.caller(CallerOptions::default()).unwrap();
        let x = values(4);
        let error = call(&mut caller, &x, &mut [0.0; 3]).unwrap_err();
        assert_eq!(error.kind(), "invalid_length");
        assert_eq!(
            error.to_string(),
            "output y has 16 bytes, but its place has: `12`"
        );
        let wrong_type = caller.call().output("y", &mut [0_i32; 4]).unwrap_err();
        assert_eq!(wrong_type.kind(), "wrong_dtype");
        let unknown = caller.call().output("z", &mut [0.0_f32; 4]).unwrap_err();
        assert_eq!(unknown.kind(), "unknown_output");
        let (mut first, mut second) = ([0.0_f32; 4], [0.0_f32; 4]);
        let twice = caller.call().output("y", &mut first).unwrap();
        assert_eq!(
            twice.output("y", &mut second).unwrap_err().kind(),
            "repeated_output"
        );
        let missing = caller
            .call()
            .output("y", &mut first)
            .unwrap()
            .run()
            .unwrap_err();
        assert_eq!(missing.kind(), "missing_input");
        assert!(
            caller
                .call()
                .input("w", TensorView::of(&[4], &x).unwrap())
                .is_err()
        );
    });
}

#[test]
fn shapes_may_change_from_call_to_call() {
    each(&wary(), json!({}), |kernel| {
        let mut caller = kernel.caller(options(1, 64)).unwrap();
        for turn in 0..3 {
            for rows in [1, 2, 3, 30, 7, 5] {
                let x: Vec<f32> = values(rows * 2)
                    .iter()
                    .map(|x| x.abs() + turn as f32)
                    .collect();
                let mut y = vec![0.0; x.len()];
                call(&mut caller, &x, &mut y).unwrap();
                assert_eq!(y, x);
            }
        }
    });
}
