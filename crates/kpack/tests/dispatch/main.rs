//! Dispatch along a kernel's fallbacks, on every engine.
#![cfg(any(feature = "wasmtime", feature = "wasmer"))]
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

#[path = "../support/mod.rs"]
mod support;

mod bound;
mod errors;
mod events;
mod explain;
mod faults;
mod host_errors;
#[cfg(feature = "metrics")]
mod metrics;
mod natives;
mod set_aside;
mod stats;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kpack::{
    Dispatch, DispatchError, DispatchOutputs, Dispatcher, MonotonicClock, NativeCall, NativeError,
    Pack, References, ServedBy, Tensor,
};
use serde_json::{Value, json};

use support::{COPY, MOODY, Made, pack, runtimes};

/// A kernel with more time than a busy machine keeps a thread from running.
fn kernel(id: &str, path: &str) -> Value {
    let mut kernel = support::kernel(id, path);
    kernel["resource_limits"]["max_epoch_ticks"] = json!(200);
    kernel
}

/// A pack of the kernel `moody`, whose fallback this is.
fn moody(fallback: &str) -> Made {
    let mut moody = kernel("moody", "moody.wasm");
    let weight = json!({"name": "weight", "dtype": "f32", "shape": ["n"]});
    let mut copy = kernel("copy", "copy.wasm");
    for kernel in [&mut moody, &mut copy] {
        kernel["inputs"]
            .as_array_mut()
            .unwrap()
            .push(weight.clone());
    }
    let made = pack(
        &[("moody.wasm", MOODY), ("copy.wasm", COPY)],
        json!([moody, copy]),
    );
    made.release(|manifest| manifest["fallbacks"] = json!({"moody": fallback}));
    made
}

/// `y = x + weight`, for which no kernel of the packs is.
fn sum(call: &mut NativeCall<'_>) -> Result<(), NativeError> {
    let (x, weight) = (call.input::<f32>("x")?, call.input::<f32>("weight")?);
    let y = call.output_mut::<f32>("y")?;
    for ((y, x), weight) in y.iter_mut().zip(x).zip(weight) {
        *y = x + weight;
    }
    Ok(())
}

/// A host that has `sum`.
fn references() -> References {
    References::new().with("sum", sum).unwrap()
}

/// The pack on every engine.
fn loaded(made: &Made, references: &References) -> Vec<Pack> {
    let load = |runtime: &kpack::Runtime| runtime.load(made.path(), &made.trust()).unwrap();
    runtimes(references).iter().map(load).collect()
}

fn tensor(values: &[f32]) -> Tensor {
    Tensor::new(&[values.len()], values.to_vec()).unwrap()
}

/// One call of `x` and a weight of tens.
fn call(dispatch: &Dispatch, x: &[f32]) -> Result<DispatchOutputs, DispatchError> {
    let (x, weight) = (tensor(x), tensor(&vec![10.0; x.len()]));
    let call = dispatch.call().input("x", &x).unwrap();
    call.input("weight", &weight).unwrap().run()
}

fn y(outputs: &DispatchOutputs) -> &[f32] {
    outputs.get("y").unwrap().as_slice().unwrap()
}

/// What served, by its id.
fn served(by: &ServedBy) -> String {
    match by {
        ServedBy::Kernel { id, .. } => id.to_string(),
        ServedBy::Native { id } => format!("native {id}"),
        other => panic!("something else served: {other}"),
    }
}

/// A clock that the test moves.
#[derive(Clone, Default)]
struct TestClock(Arc<AtomicU64>);

impl TestClock {
    fn advance(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap();
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl MonotonicClock for TestClock {
    fn now(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst))
    }
}

#[test]
fn a_kernel_that_works_serves_and_says_so() {
    for pack in loaded(&moody("copy"), &References::new()) {
        let dispatch = Dispatcher::new(&pack).kernel("moody").unwrap();
        let outputs = call(&dispatch, &[7.0, 8.0]).unwrap();
        assert_eq!(y(&outputs), [7.0, 8.0]);
        let report = outputs.report();
        assert!(!report.is_fallback());
        assert_eq!(report.kernel().as_str(), "moody");
        assert!(report.time() > Duration::ZERO);
        assert_eq!(
            report.ticks(),
            u64::try_from(report.time().as_nanos().div_ceil(10_000_000)).unwrap()
        );
        let ServedBy::Kernel { id, path, ran, .. } = report.served_by() else {
            panic!("{:?}", report.served_by());
        };
        assert_eq!(id.as_str(), "moody");
        assert_eq!(path.as_str(), "moody.wasm");
        assert_eq!(ran.engine, pack.engine());
        let shown = format!("moody on {} (moody.wasm)", pack.engine());
        assert_eq!(report.served_by().to_string(), shown);
    }
}

#[test]
fn the_real_reference_serves_when_a_kernel_of_its_formula_fails() {
    let mut norm = support::scale();
    norm["path"] = json!("broken.wasm");
    let broken = r#"(module (memory (export "memory") 1)
        (func (export "run") (param i32) (result i32) unreachable))"#;
    for target in ["rmsnorm_reference", "builtin:rmsnorm_reference"] {
        let made = pack(&[("broken.wasm", broken)], json!([norm]));
        made.release(|manifest| manifest["fallbacks"] = json!({"rmsnorm_f32": target}));
        for pack in loaded(&made, &kpack::reference_pack::references()) {
            let dispatch = Dispatcher::new(&pack).kernel("rmsnorm_f32").unwrap();
            let x = Tensor::new(&[1, 2], vec![3.0_f32, 4.0]).unwrap();
            let weight = tensor(&[1.0, 2.0]);
            let call = dispatch.call().input("x", &x).unwrap();
            let outputs = call.input("weight", &weight).unwrap().run().unwrap();
            let mut expected = [0.0; 2];
            kpack_reference::native::rmsnorm(&[3.0, 4.0], &[1.0, 2.0], 0.0, 0.0, &mut expected);
            assert_eq!(y(&outputs), expected);
            assert_eq!(
                served(outputs.report().served_by()),
                format!("native {target}")
            );
        }
    }
}

fn fallbacks(chain: &[(&str, &str)]) -> Value {
    chain
        .iter()
        .map(|&(id, target)| (id.to_owned(), json!(target)))
        .collect()
}
