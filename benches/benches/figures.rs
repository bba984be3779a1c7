//! The figures that are no matter of criterion's: how far the targets are reached and what deadlines
//! cost, both measured in turns, how late after their deadlines calls return, and what machine this is.
//! Written to `kpack/bench/figures.json` in the target folder.
//!
//! `cargo bench --bench figures -- targets` measures the targets alone and prints a table; further words
//! leave only the lines that hold them all, such as `targets ceiling rmsnorm`. With `--quick` the whole
//! table takes 20 seconds. `-- swaps` measures what calls notice of swaps. candle is compared with under `--features kpack-benches/candle`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use kpack_benches::figures::{Effort, Figures};
use kpack_benches::swap_latency;
use kpack_benches::targets::table::{self, Target};
use kpack_benches::targets::{self, Contestants};
use kpack_benches::turns;

/// Two minutes.
const FULL: Effort = Effort {
    turns: turns::Effort {
        instances: 5,
        time: Duration::from_millis(160),
        pairs: 5,
    },
    calls: 60,
    swaps: swap_latency::Effort {
        pairs: 20,
        time: Duration::from_millis(500),
    },
};

const QUICK: Effort = Effort {
    turns: turns::Effort {
        instances: 4,
        time: Duration::from_millis(80),
        pairs: 3,
    },
    calls: 10,
    swaps: swap_latency::Effort {
        pairs: 4,
        time: Duration::from_millis(250),
    },
};

/// Only shows that everything works.
const TEST: Effort = Effort {
    turns: turns::Effort {
        instances: 1,
        time: Duration::ZERO,
        pairs: 1,
    },
    calls: 1,
    swaps: swap_latency::Effort {
        pairs: 1,
        time: Duration::from_millis(1),
    },
};

/// Understands of criterion's options those that a run of all benches may be given.
fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let given = |option: &str| arguments.iter().any(|argument| argument == option);
    if given("--list") {
        println!("figures: benchmark");
        return Ok(());
    }
    // As with criterion, what is no `cargo bench` is a test.
    if !given("--bench") || given("--test") {
        Figures::measure(TEST, &cache())?;
        return Ok(());
    }
    let effort = if given("--quick") { QUICK } else { FULL };
    let mut words = arguments.iter().filter(|word| !word.starts_with('-'));
    match words.next().map(String::as_str) {
        Some("targets") => {
            let words: Vec<&str> = words.map(String::as_str).collect();
            return print_targets(&words, effort.turns);
        }
        Some("swaps") => {
            println!("{}", swap_latency::measure(effort.swaps)?);
            return Ok(());
        }
        _ => {}
    }
    let figures = Figures::measure(effort, &cache())?;
    print(&figures);
    figures.write(&target().join("kpack/bench/figures.json"))
}

fn target() -> &'static Path {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
    target.expect("cargo's folder for temporary files is in the target folder")
}

fn cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("compile-cache")
}

/// Line by line, as they are measured.
fn print_targets(words: &[&str], effort: turns::Effort) -> Result<()> {
    let wanted = |target: &Target| {
        let line = format!("{} {}", target.comparison.name(), target.what);
        words.iter().all(|word| line.contains(word))
    };
    let contestants = Contestants::new(&cache())?;
    println!("{}", targets::HEAD);
    for target in table::all().into_iter().filter(wanted) {
        match targets::measure(&target, &contestants, effort)? {
            Some(figure) => println!("{figure}"),
            None => println!("{:23}  {:36}  -", target.comparison.name(), target.what),
        }
    }
    Ok(())
}

fn print(figures: &Figures) {
    println!("{}", targets::HEAD);
    for figure in &figures.targets {
        println!("{figure}");
    }
    for cost in &figures.deadline_cost {
        println!(
            "deadline's cost, {} {} on {}: {:+.1}% ({:+.1}% to {:+.1}%)",
            cost.kernel,
            cost.size,
            cost.engine,
            cost.percent,
            cost.lower_quartile,
            cost.upper_quartile
        );
    }
    for latency in &figures.deadline_latency {
        println!(
            "deadline to return, {} on {}: median {:.2} ms, 95% {:.2} ms, max {:.2} ms",
            latency.kernel, latency.engine, latency.median_ms, latency.p95_ms, latency.max_ms
        );
    }
    println!("{}", figures.swap_latency);
}
