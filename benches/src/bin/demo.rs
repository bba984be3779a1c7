//! The last step of `cargo xtask demo`: loads the pack that was just built and signed, holds every
//! kernel on every engine against the golden cases, and measures them.

use std::hint::black_box;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use kpack::{Deviation, Pack, Runtime, Trust};
use kpack_benches::measure::median_ns;
use kpack_benches::native::NativeCall;
use kpack_benches::workload::{self, Workload};
use kpack_conformance::{PackHarness, cases, runtimes};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [pack, trust] = &arguments[..] else {
        anyhow::bail!("usage: demo PACK TRUST");
    };
    let trust =
        std::fs::read_to_string(trust).with_context(|| format!("cannot read: `{trust}`"))?;
    let trust = Trust::from_json(&trust)?;

    let mut engines = Vec::new();
    for runtime in runtimes()? {
        let pack = runtime.load(Path::new(pack), &trust)?;
        println!("{}", describe(&runtime, &pack));
        let deviations = golden(&pack)?;
        engines.push(Engine {
            name: runtime.backend().name().to_owned(),
            pack,
            deviations,
        });
    }
    ensure!(!engines.is_empty(), "no engine is compiled in");
    print_table(&engines)
}

struct Engine {
    name: String,
    pack: Pack,
    deviations: Vec<(&'static str, Deviation)>,
}

fn describe(runtime: &Runtime, pack: &Pack) -> String {
    let backend = runtime.backend();
    let manifest = pack.manifest();
    format!(
        "{} {} verified and compiled by {} {}",
        manifest.name(),
        manifest.version(),
        backend.name(),
        backend.version()
    )
}

/// Runs all golden cases; for each kernel the largest deviation.
fn golden(pack: &Pack) -> Result<Vec<(&'static str, Deviation)>> {
    let in_pack = |kernel: &str| pack.kernel(kernel).is_ok();
    let mut cases = cases()?;
    cases.retain(|case| case.kernels().into_iter().all(in_pack));
    let mut worst: Vec<(&'static str, Deviation)> = Vec::new();
    for case in &cases {
        let outcome = case
            .run(&mut PackHarness::new(pack))
            .with_context(|| format!("golden case failed: `{}`", case.name))?;
        for &(kernel, deviation) in outcome.deviations() {
            match worst.iter_mut().find(|(known, _)| *known == kernel) {
                Some((_, known)) => *known = known.max(deviation),
                None => worst.push((kernel, deviation)),
            }
        }
    }
    println!(
        "  {} golden cases from PyTorch and Hugging Face transformers passed",
        cases.len()
    );
    Ok(worst)
}

fn print_table(engines: &[Engine]) -> Result<()> {
    println!(
        "\n{:<15} {:<26} {:<9} {:>10} {:>12} {:>7} {:>10}",
        "kernel", "size", "engine", "max error", "ns per call", "GB/s", "to native"
    );
    for workload in workload::all() {
        let native = NativeCall::new(&workload);
        let mut native = native.expect("there is a loop for every kernel in f32");
        let native_ns = median_ns(|| {
            black_box(native.run());
        });
        for engine in engines {
            let ns = engine_ns(&workload, &engine.pack)?;
            let error = engine
                .deviations
                .iter()
                .find(|(kernel, _)| *kernel == workload.kernel);
            let error = error.map_or("-".to_owned(), |(_, worst)| {
                format!("{:.1e}", worst.relative)
            });
            row(&workload, &engine.name, &error, ns, native_ns);
        }
        row(&workload, "native", "", native_ns, native_ns);
    }
    println!(
        "\nmax error: largest difference to the golden results, relative to the value (RMSNorm, SwiGLU) or to the \
         largest of its row (RoPE).\nns per call: median of a bound call, warm, one thread. GB/s: inputs read and \
         output written.\nto native: time as a multiple of a plain Rust loop's; below 1 the sandboxed kernel is faster."
    );
    Ok(())
}

fn engine_ns(workload: &Workload, pack: &Pack) -> Result<f64> {
    let mut bound = workload.bind(&pack.kernel(workload.kernel)?)?;
    // The first run shows an error; the timed ones repeat it.
    bound.run()?;
    Ok(median_ns(|| {
        bound.run().expect("the same call has just succeeded");
    }))
}

fn row(workload: &Workload, engine: &str, error: &str, ns: f64, native_ns: f64) {
    let bytes = f64::from(u32::try_from(workload.bytes()).expect("below 4 GiB"));
    println!(
        "{:<15} {:<26} {:<9} {:>10} {:>12.0} {:>7.1} {:>10.2}",
        workload.kernel,
        workload.size,
        engine,
        error,
        ns,
        bytes / ns,
        ns / native_ns
    );
}
