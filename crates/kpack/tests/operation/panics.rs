//! Code of the host's own that panics while something is locked.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kpack::{Backend, BackendError, FeatureSet, Runtime, Tensor, VettedModule, Wasmtime};
use kpack_exec::Program;
use serde_json::json;

use crate::support::{SCALE, pack, scale};

/// An engine of the host's own that panics when it is asked to compile for the first time, which it is
/// while the programs of the pack are locked.
struct PanicsAtFirst {
    inner: Wasmtime,
    asked: AtomicUsize,
}

impl Backend for PanicsAtFirst {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn version(&self) -> semver::Version {
        self.inner.version()
    }

    fn offers(&self) -> FeatureSet {
        self.inner.offers()
    }

    fn compile(&self, module: &VettedModule) -> Result<Arc<dyn Program>, BackendError> {
        let before = self.asked.fetch_add(1, Ordering::Relaxed);
        assert!(before > 0, "an engine with a mistake");
        self.inner.compile(module)
    }
}

#[test]
fn after_an_engine_that_panicked_under_a_lock_later_calls_work() {
    let made = pack(&[("scale.wasm", SCALE)], json!([scale()]));
    let trust = made.trust();
    let runtime = Runtime::new(PanicsAtFirst {
        inner: Wasmtime::new().unwrap(),
        asked: AtomicUsize::new(0),
    });
    let load = || runtime.load(made.path(), &trust);
    assert!(catch_unwind(AssertUnwindSafe(load)).is_err());
    let pack = load().unwrap();
    let x = Tensor::new(&[1, 2], vec![1.0_f32, 2.0]).unwrap();
    let w = Tensor::new(&[2], vec![10.0_f32, 100.0]).unwrap();
    let kernel = pack.kernel("rmsnorm_f32").unwrap();
    let y = kernel
        .call()
        .input("x", &x)
        .unwrap()
        .input("weight", &w)
        .unwrap()
        .run()
        .unwrap();
    assert_eq!(
        y.get("y").unwrap().as_slice::<f32>().unwrap(),
        [10.0, 200.0]
    );
}
