//! The native loops of the reference pack compute what its kernels compute.
#![cfg(feature = "wasmtime")]

use kpack::{
    DispatchOutputs, Dispatcher, FallbackPolicy, OnFailure, ParamValue, Runtime, Tensor,
    reference_pack,
};

use super::host_errors::stopped;
use super::served;

/// Numbers from -1 to 1 that look like none in particular.
fn values(shape: &[usize], seed: u32) -> Tensor {
    let count = u32::try_from(shape.iter().product::<usize>()).unwrap();
    let value = |i: u32| {
        let bits = (i + 1).wrapping_mul(2_654_435_761).wrapping_add(seed) >> 16;
        f32::from(u16::try_from(bits).unwrap()) / 32_768.0 - 1.0
    };
    Tensor::new(shape, (0..count).map(value).collect()).unwrap()
}

type Inputs = Vec<(&'static str, Tensor)>;
type Params = Vec<(&'static str, ParamValue)>;

/// One call of each kernel that has a native loop behind it, with parameters that are no defaults.
fn calls() -> Vec<(&'static str, Inputs, Params)> {
    let x = || ("x", values(&[2, 3, 4, 16], 1));
    let freqs = || ("freqs", values(&[3, 2, 6], 2));
    vec![
        (
            "rmsnorm_f32",
            vec![("x", values(&[3, 40], 1)), ("weight", values(&[40], 2))],
            vec![("eps", 0.5.into()), ("weight_offset", 1.0.into())],
        ),
        (
            "swiglu_f32",
            vec![("gate", values(&[3, 40], 1)), ("up", values(&[3, 40], 2))],
            vec![],
        ),
        ("rope_f32", vec![x(), freqs()], vec![]),
        (
            "rope_f32",
            vec![x(), freqs()],
            vec![("interleaved", true.into())],
        ),
    ]
}

fn run(dispatcher: &Dispatcher, id: &str, inputs: &Inputs, params: &Params) -> DispatchOutputs {
    let dispatch = dispatcher.kernel(id).unwrap();
    let mut call = dispatch.call();
    for (name, tensor) in inputs {
        call = call.input(name, tensor).unwrap();
    }
    for &(name, value) in params {
        call = call.param(name, value).unwrap();
    }
    call.run().unwrap()
}

#[test]
fn each_native_loop_agrees_with_its_kernel() {
    let references = reference_pack::references();
    let working = kpack::Wasmtime::new().unwrap();
    let working = Runtime::builder(working)
        .references(references.clone())
        .build();
    let kernels = Dispatcher::new(&reference_pack::load(&working).unwrap());
    // An engine that runs nothing, so that the native loops do.
    let broken = Runtime::builder(stopped()).references(references).build();
    let policy = FallbackPolicy::default().on_host_error(OnFailure::FallBack);
    let natives = Dispatcher::builder(&reference_pack::load(&broken).unwrap());
    let natives = natives.policy(policy).build();
    for (id, inputs, params) in calls() {
        let by_kernel = run(&kernels, id, &inputs, &params);
        let by_native = run(&natives, id, &inputs, &params);
        assert_eq!(served(by_kernel.report().served_by()), id);
        assert!(
            served(by_native.report().served_by()).starts_with("native "),
            "{id}"
        );
        let y = |outputs: &DispatchOutputs| -> Vec<f32> {
            outputs.get("y").unwrap().as_slice().unwrap().to_vec()
        };
        let (y, expected) = (y(&by_native), y(&by_kernel));
        assert_eq!(y.len(), expected.len());
        assert!(expected.iter().any(|y| y.abs() > 0.1), "{id} gives numbers");
        for (y, expected) in y.iter().zip(&expected) {
            assert!(
                (y - expected).abs() < 1e-5,
                "{id} {params:?}: {y} for {expected}"
            );
        }
    }
}
