//! Errors of the engine or the host are no fault of the kernel's.
#![cfg(feature = "wasmtime")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kpack::{
    Backend, BackendError, Blame, Dispatcher, FallbackPolicy, FeatureSet, OnFailure, Runtime,
    VettedModule, Wasmtime,
};
use kpack_exec::{Instance, NextPass, Program, RunError};

use super::{call, moody, references, served, tensor};

/// An engine that runs nothing.
pub(crate) fn stopped() -> impl Backend {
    Stopping {
        inner: Wasmtime::new().unwrap(),
        stopped: Arc::new(AtomicBool::new(true)),
    }
}

/// wasmtime, whose clock of deadlines has stopped while the test says so.
struct Stopping {
    inner: Wasmtime,
    stopped: Arc<AtomicBool>,
}

struct StoppingProgram {
    inner: Arc<dyn Program>,
    stopped: Arc<AtomicBool>,
}

struct StoppingInstance {
    inner: Box<dyn Instance>,
    stopped: Arc<AtomicBool>,
}

impl Backend for Stopping {
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
        Ok(Arc::new(StoppingProgram {
            inner: self.inner.compile(module)?,
            stopped: Arc::clone(&self.stopped),
        }))
    }
}

impl Program for StoppingProgram {
    fn instantiate(&self, module: &VettedModule) -> Result<Box<dyn Instance>, RunError> {
        Ok(Box::new(StoppingInstance {
            inner: self.inner.instantiate(module)?,
            stopped: Arc::clone(&self.stopped),
        }))
    }
}

impl Instance for StoppingInstance {
    fn memory(&self) -> &[u8] {
        self.inner.memory()
    }

    fn memory_mut(&mut self) -> &mut [u8] {
        self.inner.memory_mut()
    }

    fn grow(&mut self, pages: u32) -> Result<(), RunError> {
        self.inner.grow(pages)
    }

    fn call(&mut self, ticks: u64, next: &mut NextPass<'_>) -> Result<i32, RunError> {
        if self.stopped.load(Ordering::SeqCst) {
            let engine = "wasmtime".to_owned();
            return Err(BackendError::ClockStopped { engine }.into());
        }
        self.inner.call(ticks, next)
    }
}

#[test]
fn an_error_of_the_host_leads_to_no_fallback_unless_the_policy_says_so() {
    let made = moody("sum");
    let stopped = Arc::new(AtomicBool::new(false));
    let engine = Stopping {
        inner: Wasmtime::new().unwrap(),
        stopped: Arc::clone(&stopped),
    };
    let runtime = Runtime::builder(engine).references(references()).build();
    let pack = runtime.load(made.path(), &made.trust()).unwrap();

    let dispatcher = Dispatcher::new(&pack);
    let dispatch = dispatcher.kernel("moody").unwrap();
    let mut bound = dispatch.bind(&[("n", 1)], &[]).unwrap();
    bound.keep("weight", &tensor(&[10.0])).unwrap();
    let mut run = || {
        let ended = bound.run(|inputs| {
            inputs.slice_mut::<f32>("x")?.fill(7.0);
            Ok(())
        });
        ended.map(|report| served(report.served_by()))
    };
    assert_eq!(run().unwrap(), "moody");
    stopped.store(true, Ordering::SeqCst);
    // However often it comes, it sets no kernel aside.
    for _ in 0..5 {
        for error in [run().unwrap_err(), call(&dispatch, &[7.0]).unwrap_err()] {
            assert_eq!(
                (error.kind(), error.blame()),
                ("engine_clock_stopped", Blame::Host)
            );
            assert_eq!(error.causes().len(), 1);
        }
    }
    let [kernel, native] = &dispatcher.stats().kernels["moody"][..] else {
        panic!("the chain has two links");
    };
    assert_eq!(
        (kernel.host_errors, kernel.set_aside, native.served()),
        (10, 0, 0)
    );
    stopped.store(false, Ordering::SeqCst);
    assert_eq!(run().unwrap(), "moody");

    let policy = FallbackPolicy::default().on_host_error(OnFailure::FallBack);
    let dispatcher = Dispatcher::builder(&pack).policy(policy).build();
    let dispatch = dispatcher.kernel("moody").unwrap();
    stopped.store(true, Ordering::SeqCst);
    for _ in 0..5 {
        let outputs = call(&dispatch, &[7.0]).unwrap();
        assert_eq!(served(outputs.report().served_by()), "native sum");
        let why = &outputs.report().passed_over()[0].error;
        assert_eq!(why.kind(), "engine_clock_stopped");
    }
    stopped.store(false, Ordering::SeqCst);
    let outputs = call(&dispatch, &[7.0]).unwrap();
    assert_eq!(served(outputs.report().served_by()), "moody");
}
