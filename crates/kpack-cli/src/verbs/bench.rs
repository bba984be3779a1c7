mod benchmark_key;
mod made_up;
mod measure;
mod sizes;

use kpack::{Kernel, KernelError, LoadError, Runtime, VettedPack};
use serde_json::{Map, Value, json};

use self::measure::Measurement;
use self::sizes::{Sizes, given_dims};
use crate::args::BenchArgs;
use crate::cache;
use crate::console::Console;
use crate::engine::Engine;
use crate::failure::Failure;
use crate::judge::Judge;
use crate::report::{Report, table};

/// Measures kernels on each engine, on inputs from a fixed seed.
pub(crate) fn run(args: &BenchArgs, console: &Console) -> Result<Report, Failure> {
    let engines = Engine::named_or_all(args.backend.as_deref())?;
    let given = given_dims(&args.dims)?;
    let judge = Judge::open(&args.judge, console)?;
    let pack = judge.verify(&args.pack)?;
    let kernels = chosen(&engines, &pack, args, console)?;
    sizes::refuse_unknown(&given, &kernels)?;
    // All sizes first, so that nothing is measured when a size is missing.
    let mut sized = Vec::new();
    for kernel in kernels {
        let sizes = Sizes::of(&kernel, &given)?;
        sized.push((kernel, sizes));
    }
    let mut results = Vec::new();
    for (kernel, sizes) in sized {
        let measured = measure::measure(&kernel, &sizes)?;
        results.push(BenchResult {
            kernel,
            sizes,
            measured,
        });
    }
    Ok(report(&engines, &pack, &results))
}

struct BenchResult {
    kernel: Kernel,
    sizes: Sizes,
    measured: Measurement,
}

/// The kernels to measure, kernel by kernel on each engine that runs it.
fn chosen(
    engines: &[Engine],
    pack: &VettedPack,
    args: &BenchArgs,
    console: &Console,
) -> Result<Vec<Kernel>, Failure> {
    let id = args.kernel.as_deref();
    let mut found = Vec::new();
    let mut unavailable = None;
    for engine in engines {
        let runtime = engine.runtime(pack.verifier().clone(), cache::open(&args.cache, console))?;
        for (index, kernel) in compiled(&runtime, pack, id)?.into_iter().enumerate() {
            match kernel {
                Ok(kernel) => found.push((index, kernel)),
                Err(error) => {
                    console.note(&skipped(*engine, &error));
                    unavailable = Some(error);
                }
            }
        }
    }
    // The engines of one kernel stand below each other.
    found.sort_by_key(|&(index, _)| index);
    match unavailable {
        Some(error) if found.is_empty() => Err(error.into()),
        _ => Ok(found.into_iter().map(|(_, kernel)| kernel).collect()),
    }
}

/// The kernel of that id, or all, each compiled or not available on the engine.
fn compiled(
    runtime: &Runtime,
    pack: &VettedPack,
    id: Option<&str>,
) -> Result<Vec<Result<Kernel, KernelError>>, LoadError> {
    let Some(id) = id else {
        let compiled = runtime.compile(pack)?;
        let ids = pack.manifest().manifest().kernel_ids();
        return Ok(ids.into_iter().map(|id| compiled.kernel(id)).collect());
    };
    match runtime.compile_kernel(pack, id) {
        Err(LoadError::Kernel(error @ KernelError::Unavailable { .. })) => Ok(vec![Err(error)]),
        kernel => Ok(vec![Ok(kernel?)]),
    }
}

fn skipped(engine: Engine, error: &KernelError) -> String {
    let engine = engine.name();
    match error {
        KernelError::Unavailable { kernel, source } => {
            format!("skipped on {engine}: {kernel}: {source}")
        }
        other => format!("skipped on {engine}: {other}"),
    }
}

fn report(engines: &[Engine], pack: &VettedPack, results: &[BenchResult]) -> Report {
    let heading = ["KERNEL", "ENGINE", "SIZES", "BYTES", "NS/CALL", "GB/S"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    rows.extend(results.iter().map(BenchResult::row));
    Report {
        text: table(&rows),
        json: json!({
            "pack": pack.name().as_str(),
            "version": pack.manifest().version().to_string(),
            "engines": engines.iter().map(|engine| engine.name()).collect::<Vec<_>>(),
            "results": results.iter().map(BenchResult::to_json).collect::<Vec<_>>(),
        }),
    }
}

impl BenchResult {
    fn row(&self) -> Vec<String> {
        let sizes: Vec<String> = self
            .sizes
            .all()
            .map(|(name, size)| format!("{name}={size}"))
            .collect();
        vec![
            self.kernel.id().to_string(),
            self.kernel.engine().to_owned(),
            sizes.join(" "),
            (self.measured.bytes_in + self.measured.bytes_out).to_string(),
            format!("{:.0}", self.measured.median_ns),
            format!("{:.3}", self.measured.gb_per_s()),
        ]
    }

    fn to_json(&self) -> Value {
        let dims: Map<String, Value> = self
            .sizes
            .all()
            .map(|(name, size)| (name.to_owned(), size.into()))
            .collect();
        json!({
            "kernel": self.kernel.id().as_str(),
            "engine": self.kernel.engine(),
            "module": self.kernel.module_path().as_str(),
            "dims": dims,
            "median_ns": self.measured.median_ns,
            "gb_per_s": self.measured.gb_per_s(),
            "bytes_in": self.measured.bytes_in,
            "bytes_out": self.measured.bytes_out,
            "calls": self.measured.calls,
        })
    }
}
