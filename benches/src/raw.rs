//! The engines by themselves: what kpack's deadlines and calls are measured against.

use anyhow::Result;
use kpack::{Backend, Runtime};
use kpack_conformance::runtimes;
use kpack_exec::BackendError;

mod wasmer;
mod wasmtime;

/// A runtime on every engine, set up as kpack does but for what keeps its deadlines: there are no
/// checks in the code, and no call ends before the kernel does.
///
/// The rest of kpack is the same, and with it the layout of the memory.
///
/// # Errors
///
/// When an engine cannot be set up on this machine.
pub fn runtimes_without_deadlines() -> Result<Vec<Runtime>> {
    let without = |runtime: Runtime| {
        let checked = runtime.backend();
        let policy = runtime.verifier().host_policy().clone();
        let builder = match checked.name() {
            "wasmtime" => Runtime::builder(wasmtime::Unchecked::like(checked)),
            "wasmer" => Runtime::builder(wasmer::Unchecked::like(checked)),
            other => anyhow::bail!("no engine without deadlines: `{other}`"),
        };
        Ok(builder.host_policy(policy).build())
    };
    runtimes()?.into_iter().map(without).collect()
}

/// A function with its argument, called as the engine's own interface does it.
pub type TypedCall = Box<dyn FnMut() -> i32>;

/// For every engine, its name and its own typed call of a module's entry point.
///
/// # Errors
///
/// When an engine does not take the module.
pub fn typed_calls(module: &[u8], entry_point: &str) -> Result<Vec<(&'static str, TypedCall)>> {
    Ok(vec![
        ("wasmtime", wasmtime::typed_call(module, entry_point)?),
        ("wasmer", wasmer::typed_call(module, entry_point)?),
    ])
}

/// What a backend without deadlines takes over from the one with them.
struct Identity {
    name: String,
    version: semver::Version,
    offers: kpack::FeatureSet,
}

impl Identity {
    fn of(backend: &dyn Backend) -> Self {
        Self {
            name: backend.name().to_owned(),
            version: backend.version(),
            offers: backend.offers(),
        }
    }
}

fn failed(
    engine: &str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> BackendError {
    BackendError::Call {
        engine: engine.to_owned(),
        source: source.into(),
    }
}
