//! The figures that are no matter of criterion's: how late after their deadlines calls return, and
//! what machine this is. Written to `kpack/bench/figures.json` in the target folder.

use std::path::Path;

use anyhow::Result;
use kpack_benches::figures::Figures;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let given = |option: &str| arguments.iter().any(|argument| argument == option);
    if given("--list") {
        println!("figures: benchmark");
        return Ok(());
    }
    // As criterion does: a run that is no `cargo bench` only shows that everything works.
    if !given("--bench") || given("--test") {
        Figures::measure(1)?;
        return Ok(());
    }
    let calls = if given("--quick") { 10 } else { 60 };
    let figures = Figures::measure(calls)?;
    for latency in &figures.deadline_latency {
        println!(
            "deadline to return, {} on {}: median {:.2} ms, 95% {:.2} ms, max {:.2} ms",
            latency.kernel, latency.engine, latency.median_ms, latency.p95_ms, latency.max_ms
        );
    }
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
    let target = target.expect("cargo's folder for temporary files is in the target folder");
    figures.write(&target.join("kpack/bench/figures.json"))
}
