//! A whole Llama with its norms, rotary positions, activations and attention in kpack's kernels, on every
//! engine that is compiled in.
//!
//! ```console
//! $ cargo run --release --example tinyllama [FOLDER]
//! ```
//!
//! The folder holds `config.json` and `model.safetensors` of a Llama in f32, and `reference.safetensors`:
//! prompts, and the tokens that transformers makes follow them. Without one it is the tiny, randomly
//! initialised model among the repository's golden data.

use std::env;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use kpack::{Runtime, RuntimeBuilder, reference_pack};

use crate::llama::Llama;
use crate::reference::{Continuation, Reference};
use crate::watch::Watch;

mod attention;
mod batch;
mod cache;
mod config;
mod llama;
mod product;
mod reference;
#[cfg(test)]
mod tests;
mod watch;
mod weights;

fn main() -> Result<()> {
    let folder = env::args_os().nth(1).map_or_else(golden, PathBuf::from);
    let model = Llama::read(&folder)?;
    let continuations = Reference::read(&folder)?.continuations()?;
    for runtime in runtimes()? {
        run(&model, &continuations, &runtime)?;
    }
    Ok(())
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../kpack-conformance/golden/tinyllama")
}

/// A runtime on each engine.
fn runtimes() -> Result<Vec<Runtime>> {
    let builders: Vec<RuntimeBuilder> = vec![
        #[cfg(feature = "wasmtime")]
        Runtime::builder(kpack::Wasmtime::new()?),
        #[cfg(feature = "wasmer")]
        Runtime::builder(kpack::Wasmer::new()?),
    ];
    let builders = builders.into_iter();
    Ok(builders
        .map(|builder| builder.host_policy(reference_pack::host_policy()).build())
        .collect())
}

fn run(model: &Llama, continuations: &[Continuation], runtime: &Runtime) -> Result<()> {
    let pack = reference_pack::load(runtime)?;
    let (start, mut watch) = (Instant::now(), Watch::default());
    println!("{}", runtime.backend().name());
    for Continuation { prompt, tokens } in continuations {
        let found = model.generate(&pack, prompt, tokens.len(), &mut watch)?;
        println!("  {:2} tokens, then {found:?}", prompt.len());
        ensure!(
            found == *tokens,
            "transformers has other tokens: {tokens:?}"
        );
    }
    let all = start.elapsed();
    let rest = all.saturating_sub(watch.in_kernels + watch.in_products);
    println!(
        "  {} in kernels, {} in products, {} in binding and the rest",
        milliseconds(watch.in_kernels),
        milliseconds(watch.in_products),
        milliseconds(rest),
    );
    Ok(())
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}
