//! What runs the workloads, side by side.

use std::hint::black_box;

use anyhow::{Context, Result};
use kpack::{Pack, Runtime, reference_pack};
use kpack_conformance::runtimes;

use crate::native::NativeCall;
use crate::workload::Workload;

/// A call with everything in place, to be repeated.
pub type Ready<'a> = Box<dyn FnMut() + 'a>;

/// One column of the comparison. A further one is one more in [`all`].
pub trait Series {
    /// The name in the results.
    fn name(&self) -> &str;

    /// Sets a call of the workload up and makes it once; `None` where there is no such kernel.
    ///
    /// # Errors
    ///
    /// When the call cannot be set up or fails.
    fn prepare<'a>(&self, workload: &'a Workload) -> Result<Option<Ready<'a>>>;
}

/// Every engine that is compiled in, and the plain native loops.
///
/// # Errors
///
/// When an engine cannot be set up on this machine.
pub fn all() -> Result<Vec<Box<dyn Series>>> {
    let mut all: Vec<Box<dyn Series>> = Vec::new();
    for runtime in runtimes()? {
        all.push(Box::new(Engine::new(runtime.backend().name(), &runtime)?));
    }
    all.push(Box::new(Native));
    Ok(all)
}

/// The reference pack on one engine.
#[derive(Debug)]
pub struct Engine {
    name: String,
    pack: Pack,
}

impl Engine {
    /// Loads the reference pack.
    ///
    /// # Errors
    ///
    /// When the engine does not take it.
    pub fn new(name: &str, runtime: &Runtime) -> Result<Self> {
        let pack = reference_pack::load(runtime)
            .with_context(|| format!("cannot load the reference pack on: `{name}`"))?;
        Ok(Self {
            name: name.to_owned(),
            pack,
        })
    }
}

impl Series for Engine {
    fn name(&self) -> &str {
        &self.name
    }

    fn prepare<'a>(&self, workload: &'a Workload) -> Result<Option<Ready<'a>>> {
        let mut bound = workload.bind(&self.pack.kernel(workload.kernel)?)?;
        bound.run()?;
        Ok(Some(Box::new(move || {
            bound.run().expect("the same call has just succeeded");
        })))
    }
}

struct Native;

impl Series for Native {
    fn name(&self) -> &'static str {
        "native"
    }

    fn prepare<'a>(&self, workload: &'a Workload) -> Result<Option<Ready<'a>>> {
        let mut call = NativeCall::new(workload);
        call.run();
        Ok(Some(Box::new(move || {
            black_box(call.run());
        })))
    }
}
