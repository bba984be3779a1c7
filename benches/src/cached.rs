//! Runtimes that keep what they compile.

use std::path::Path;

use anyhow::{Result, bail};
use kpack::{CompileCache, Runtime, Wasmer, Wasmtime, reference_pack};

/// A runtime on the engine with a compile cache in the folder; the first load fills it.
///
/// # Errors
///
/// When the engine cannot be set up, or the folder is not fit for a cache.
pub fn runtime(engine: &str, folder: &Path) -> Result<Runtime> {
    let builder = match engine {
        "wasmtime" => Runtime::builder(Wasmtime::new()?),
        "wasmer" => Runtime::builder(Wasmer::new()?),
        other => bail!("no such engine: `{other}`"),
    };
    let policy = reference_pack::host_policy();
    let cache = CompileCache::open(folder)?;
    Ok(builder.host_policy(policy).compile_cache(cache).build())
}
