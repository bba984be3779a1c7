//! What a kernel is given and what comes back: the binary interface, seen from inside the sandbox.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod support;

use half::f16;
use kpack_exec::{CallError, CompiledKernel, Fault, Tensor, TensorView};
use kpack_schema::{DESCRIPTOR_SIZE, DataType, KernelDescriptor, PAGE_SIZE, REGION_ALIGN, Status};
use serde_json::{Value, json};

use support::{backends, compile, module, verified};

/// Compiles on every engine in turn.
fn each(wat: &str, kernel: Value, test: impl Fn(CompiledKernel)) {
    let kernel = verified(wat, kernel);
    for backend in backends() {
        test(compile(backend.as_ref(), &kernel));
    }
}

/// Writes the descriptor, then the params block, to the output.
fn echo_descriptor_and_params() -> String {
    module(
        "(call $copy (call $output (local.get $d)) (local.get $d) (i32.const 40))
         (call $copy (i32.add (call $output (local.get $d)) (i32.const 40))
           (call $params (local.get $d)) (call $params_size (local.get $d)))
         i32.const 0",
    )
}

fn echoed(bytes: &[u8]) -> (KernelDescriptor, &[u8]) {
    let descriptor = KernelDescriptor::from_bytes(bytes[..DESCRIPTOR_SIZE].try_into().unwrap());
    let params = usize::try_from(descriptor.params_size).unwrap();
    (
        descriptor,
        &bytes[DESCRIPTOR_SIZE..DESCRIPTOR_SIZE + params],
    )
}

#[test]
fn the_params_block_of_rope_f32_is_the_documented_one() {
    let kernel = json!({
        "inputs": [
            {"name": "x", "dtype": "f32", "shape": ["batch", "seq", "heads", "dim"]},
            {"name": "freqs", "dtype": "f32", "shape": ["seq", 2, "half"]}
        ],
        "outputs": [{"name": "y", "dtype": "f32", "shape": ["batch", "seq", "heads", "dim"]}],
        "params": {"interleaved": {"type": "bool", "default": false}}
    });
    each(&echo_descriptor_and_params(), kernel, |kernel| {
        let dims = [
            ("batch", 1),
            ("seq", 3),
            ("heads", 2),
            ("dim", 8),
            ("half", 4),
        ];
        let mut bound = kernel.bind(&dims, &[("interleaved", true.into())]).unwrap();
        bound.input_mut::<f32>("x").unwrap().fill(0.0);
        bound.input_mut::<f32>("freqs").unwrap().fill(0.0);
        bound.run().unwrap();
        let (descriptor, params) = echoed(bound.output_bytes("y").unwrap());
        let words: Vec<u32> = params
            .chunks_exact(4)
            .map(|w| u32::from_le_bytes(w.try_into().unwrap()))
            .collect();
        assert_eq!(words, [1, 3, 2, 8, 4, 1]);
        assert_eq!(descriptor.params_size, 24);
        assert_eq!(descriptor.input_a_size, 3 * 2 * 8 * 4);
        assert_eq!(descriptor.input_b_size, 3 * 2 * 4 * 4);
        assert_eq!(descriptor.output_size, 3 * 2 * 8 * 4);
        assert_eq!((descriptor.scratch_offset, descriptor.scratch_size), (0, 0));
        assert!(descriptor.total_memory_required() <= u64::from(bound.memory_pages()) * 65_536);
    });
}

#[test]
fn every_region_is_aligned_and_behind_the_modules_own_pages() {
    let kernel = json!({
        "outputs": [{"name": "y", "dtype": "u8", "shape": [128]}],
        "scratch": {"dtype": "f32", "shape": ["n", 3]},
        "params": {"scale": {"type": "f64", "default": 2.5}}
    });
    each(&echo_descriptor_and_params(), kernel, |kernel| {
        let mut bound = kernel.bind(&[("n", 5)], &[]).unwrap();
        bound.input_mut::<f32>("x").unwrap().fill(1.0);
        bound.run().unwrap();
        let (descriptor, params) = echoed(bound.output_bytes("y").unwrap());
        for offset in [
            descriptor.input_a_offset,
            descriptor.output_offset,
            descriptor.scratch_offset,
            descriptor.params_offset,
        ] {
            assert_eq!(offset % REGION_ALIGN, 0);
            assert!(
                offset >= PAGE_SIZE,
                "the module's own page stays its own: {offset}"
            );
        }
        assert_eq!((descriptor.input_b_offset, descriptor.input_b_size), (0, 0));
        assert_eq!(descriptor.scratch_size, 60);
        assert_eq!(params[..4], 5_u32.to_le_bytes());
        assert_eq!(params[8..], 2.5_f64.to_le_bytes());
    });
}

#[test]
fn the_argument_is_aligned_too() {
    let wat = module("(i32.rem_u (local.get $d) (i32.const 64))");
    each(&wat, json!({}), |kernel| {
        let mut bound = kernel.bind(&[("n", 1)], &[]).unwrap();
        bound.input_mut::<f32>("x").unwrap().fill(0.0);
        bound.run().unwrap();
    });
}

#[test]
fn further_inputs_are_packed_at_multiples_of_64_with_zero_gaps() {
    // Copies all of input_b to the output.
    let wat = module(
        "(call $copy (call $output (local.get $d)) (call $input_b (local.get $d))
           (call $input_b_size (local.get $d)))
         i32.const 0",
    );
    let kernel = json!({
        "inputs": [
            {"name": "x", "dtype": "f32", "shape": ["n"]},
            {"name": "b", "dtype": "u8", "shape": [3]},
            {"name": "c", "dtype": "f16", "shape": [40]},
            {"name": "d", "dtype": "i32", "shape": [1]}
        ],
        "outputs": [{"name": "y", "dtype": "u8", "shape": [256]}]
    });
    each(&wat, kernel, |kernel| {
        let mut bound = kernel.bind(&[("n", 7)], &[]).unwrap();
        bound.input_mut::<f32>("x").unwrap().fill(9.0);
        bound
            .input_mut::<u8>("b")
            .unwrap()
            .copy_from_slice(&[1, 2, 3]);
        bound.input_mut::<f16>("c").unwrap().fill(f16::ONE);
        bound.input_mut::<i32>("d").unwrap().fill(-1);
        bound.run().unwrap();
        let y: &[u8] = bound.output("y").unwrap();
        assert_eq!(y[..3], [1, 2, 3]);
        assert!(y[3..64].iter().all(|&gap| gap == 0));
        assert_eq!(y[64..66], [0, 0x3c]);
        assert!(y[64 + 80..192].iter().all(|&gap| gap == 0));
        assert_eq!(y[192..196], [0xff; 4]);
        // The region ends with its last tensor: nothing behind it was copied.
        assert!(y[196..].iter().all(|&rest| rest == 0));
    });
}

#[test]
fn several_outputs_are_packed_the_same_way() {
    // Writes 1, 2, 3 ... over the whole output region.
    let wat = module(
        "(local $i i32)
         (loop $next
           (i32.store8 (i32.add (call $output (local.get $d)) (local.get $i))
             (i32.add (local.get $i) (i32.const 1)))
           (local.set $i (i32.add (local.get $i) (i32.const 1)))
           (br_if $next (i32.lt_u (local.get $i) (call $output_size (local.get $d)))))
         i32.const 0",
    );
    let kernel = json!({
        "outputs": [
            {"name": "y", "dtype": "u8", "shape": [5]},
            {"name": "z", "dtype": "i8", "shape": [2, 2]}
        ]
    });
    each(&wat, kernel, |kernel| {
        let x = Tensor::new(&[1], vec![0.0_f32]).unwrap();
        let outputs = kernel.call().input("x", &x).unwrap().run().unwrap();
        assert_eq!(
            outputs.get("y").unwrap().as_slice::<u8>().unwrap(),
            [1, 2, 3, 4, 5]
        );
        let z = outputs.get("z").unwrap();
        assert_eq!(z.shape(), [2, 2]);
        assert_eq!(z.as_slice::<i8>().unwrap(), [65, 66, 67, 68]);
        assert_eq!(outputs.get("x"), None);
        let names: Vec<String> = outputs.into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["y", "z"]);
    });
}

#[test]
fn bits_pass_through_unchanged() {
    let wat = module(
        "(call $copy (call $output (local.get $d)) (call $input_a (local.get $d))
           (call $input_a_size (local.get $d)))
         i32.const 0",
    );
    let bits = [
        0x7fa0_0001_u32,
        0xffc1_2345,
        0x7f80_0000,
        0xff80_0000,
        0x8000_0000,
        1,
    ];
    each(&wat, json!({}), |kernel| {
        let bytes: Vec<u8> = bits.iter().flat_map(|bits| bits.to_le_bytes()).collect();
        let x = TensorView::new(DataType::F32, &[6], &bytes).unwrap();
        let outputs = kernel.call().input("x", x).unwrap().run().unwrap();
        assert_eq!(outputs.get("y").unwrap().bytes(), bytes);
    });
}

#[test]
fn the_output_is_zero_before_every_call() {
    // Adds the first input to what stands in the output.
    let wat = module(
        "(f32.store (call $output (local.get $d))
           (f32.add (f32.load (call $output (local.get $d)))
             (f32.load (call $input_a (local.get $d)))))
         i32.const 0",
    );
    each(&wat, json!({}), |kernel| {
        let mut bound = kernel.bind(&[("n", 2)], &[]).unwrap();
        bound.input_mut::<f32>("x").unwrap().fill(3.0);
        for _ in 0..3 {
            bound.run().unwrap();
            assert_eq!(bound.output::<f32>("y").unwrap(), [3.0, 0.0]);
        }
    });
}

#[test]
fn descriptor_params_and_gaps_are_written_anew_for_every_call() {
    // Checks the gap behind `b`, then wipes the descriptor, the params block and the gap.
    let wat = module(
        "(local $params i32) (local $gap i32)
         (local.set $params (call $params (local.get $d)))
         (local.set $gap (i32.add (call $input_b (local.get $d)) (i32.const 4)))
         (if (i32.load (local.get $gap)) (then (return (i32.const 6))))
         (if (i32.ne (i32.load (local.get $params)) (i32.const 2))
           (then (return (i32.const 6))))
         (i32.store (call $output (local.get $d)) (i32.load (local.get $params)))
         (i32.store (local.get $gap) (i32.const -1))
         (i32.store (local.get $params) (i32.const -1))
         (i64.store (local.get $d) (i64.const -1))
         (i64.store offset=32 (local.get $d) (i64.const -1))
         i32.const 0",
    );
    let kernel = json!({
        "inputs": [
            {"name": "x", "dtype": "f32", "shape": ["n"]},
            {"name": "b", "dtype": "u8", "shape": [4]},
            {"name": "c", "dtype": "u8", "shape": [4]}
        ],
        "outputs": [{"name": "y", "dtype": "i32", "shape": ["n"]}]
    });
    each(&wat, kernel, |kernel| {
        let mut bound = kernel.bind(&[("n", 2)], &[]).unwrap();
        for name in ["x", "b", "c"] {
            bound.input_bytes_mut(name).unwrap().fill(1);
        }
        for _ in 0..2 {
            bound.run().unwrap();
            assert_eq!(bound.output::<i32>("y").unwrap(), [2, 0]);
        }
    });
}

#[test]
fn a_symbol_bound_by_a_parameter_stands_in_both_lists() {
    let kernel = json!({
        "inputs": [{"name": "positions", "dtype": "i32", "shape": ["seq"]}],
        "outputs": [{"name": "freqs", "dtype": "f32", "shape": ["seq", 2, "half"]}],
        "params": {
            "theta": {"type": "f32", "default": 10000},
            "half": {"type": "u32", "default": null}
        }
    });
    let mut kernel = kernel;
    // `x` and `y` of the base kernel are replaced, not merged, as arrays are.
    kernel["id"] = json!("kernel");
    each(&echo_descriptor_and_params(), kernel, |kernel| {
        let mut bound = kernel
            .bind(&[("seq", 4)], &[("half", 3_u32.into())])
            .unwrap();
        bound.input_mut::<i32>("positions").unwrap().fill(0);
        bound.run().unwrap();
        let (_, params) = echoed(bound.output_bytes("freqs").unwrap());
        assert_eq!(params.len(), 16);
        assert_eq!(params[..12], [4, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0]);
        assert_eq!(params[12..], 10_000_f32.to_le_bytes());
        let error = kernel.bind(&[("seq", 4)], &[]).unwrap_err();
        assert_eq!(error.kind(), "missing_parameter");
    });
}

#[test]
fn a_plan_over_the_limit_names_both_sides() {
    each(&module("i32.const 0"), json!({}), |kernel| {
        // 4 pages, one of them the module's: x and y of 98,000 bytes each just fit.
        kernel.bind(&[("n", 24_500)], &[]).unwrap();
        let error = kernel.bind(&[("n", 24_577)], &[]).unwrap_err();
        assert_eq!(
            error.fault(),
            Some(&Fault::MemoryLimit {
                needed_pages: 5,
                max_pages: 4
            })
        );
        let error = kernel.bind(&[("n", 1 << 31)], &[]).unwrap_err();
        assert!(
            matches!(error.fault(), Some(Fault::MemoryLimit { .. })),
            "{error:?}"
        );
    });
}

#[test]
fn statuses_say_whose_fault_it_was() {
    let wat = module("(i32.load (call $params (local.get $d)))");
    let kernel = json!({
        "inputs": [{"name": "x", "dtype": "f32", "shape": ["n"]}],
    });
    each(&wat, kernel, |kernel| {
        // The first word of the params block is n, which the kernel returns as its status.
        let run = |n: usize| {
            let mut bound = kernel.bind(&[("n", n)], &[]).unwrap();
            bound.input_mut::<f32>("x").unwrap().fill(0.0);
            bound.run().unwrap_err()
        };
        assert!(matches!(
            run(3),
            CallError::Rejected {
                status: Status::InvalidParams
            }
        ));
        assert_eq!(run(4).fault(), Some(&Fault::Status { code: 4 }));
        assert_eq!(run(99).fault(), Some(&Fault::Status { code: 99 }));
    });
}
