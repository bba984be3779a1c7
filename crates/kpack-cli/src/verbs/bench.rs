mod made_up;
mod measure;
mod sizes;

use kpack::{Kernel, KernelError, Pack};
use serde_json::{Map, Value, json};

use self::measure::Measurement;
use self::sizes::{Sizes, given_dims};
use crate::args::BenchArgs;
use crate::console::Console;
use crate::engine::Engine;
use crate::failure::Failure;
use crate::files;
use crate::report::{Report, table};

/// Measures kernels on each engine, on inputs from a fixed seed.
pub(crate) fn run(args: &BenchArgs, console: &Console) -> Result<Report, Failure> {
    let engines = Engine::named_or_all(args.backend.as_deref())?;
    let given = given_dims(&args.dims)?;
    let trust = files::trust(&args.trust)?;

    let mut packs = Vec::new();
    for engine in engines {
        packs.push(engine.runtime()?.load(&args.pack, &trust)?);
    }
    let kernels = chosen(&packs, args.kernel.as_deref(), console)?;
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
    Ok(report(&packs, &results))
}

struct BenchResult {
    kernel: Kernel,
    sizes: Sizes,
    measured: Measurement,
}

/// The kernels to measure, kernel by kernel on each engine that runs it.
fn chosen(packs: &[Pack], id: Option<&str>, console: &Console) -> Result<Vec<Kernel>, Failure> {
    let first = packs.first().expect("at least one engine was chosen");
    let ids: Vec<String> = match id {
        Some(id) => vec![id.to_owned()],
        None => {
            let kernels = first.manifest().kernels().iter();
            kernels.map(|kernel| kernel.id().to_string()).collect()
        }
    };
    let mut kernels = Vec::new();
    let mut unavailable = None;
    for id in &ids {
        for pack in packs {
            match pack.kernel(id) {
                Ok(kernel) => kernels.push(kernel),
                Err(error @ KernelError::Unavailable { .. }) => {
                    console.note(&format!("skipped on {}: {id}", pack.engine()));
                    unavailable = Some(error);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
    match unavailable {
        Some(error) if kernels.is_empty() => Err(error.into()),
        _ => Ok(kernels),
    }
}

fn report(packs: &[Pack], results: &[BenchResult]) -> Report {
    let heading = ["KERNEL", "ENGINE", "SIZES", "BYTES", "NS/CALL", "GB/S"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    rows.extend(results.iter().map(BenchResult::row));
    let first = packs.first().expect("at least one engine was chosen");
    Report {
        text: table(&rows),
        json: json!({
            "pack": first.name().as_str(),
            "version": first.manifest().version().to_string(),
            "engines": packs.iter().map(Pack::engine).collect::<Vec<_>>(),
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
