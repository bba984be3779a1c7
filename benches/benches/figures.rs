//! The figures that are no matter of criterion's: what deadlines cost, measured in turns, how late after
//! their deadlines calls return, and what machine this is. Written to `kpack/bench/figures.json` in the
//! target folder.

use std::path::Path;

use anyhow::Result;
use kpack_benches::deadline_cost;
use kpack_benches::figures::{Effort, Figures};

/// Less than a minute.
const FULL: Effort = Effort {
    cost: deadline_cost::Effort {
        instances: 5,
        pairs: 400,
    },
    calls: 60,
};

const QUICK: Effort = Effort {
    cost: deadline_cost::Effort {
        instances: 2,
        pairs: 200,
    },
    calls: 10,
};

/// Only shows that everything works.
const TEST: Effort = Effort {
    cost: deadline_cost::Effort {
        instances: 1,
        pairs: 1,
    },
    calls: 1,
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
        Figures::measure(TEST)?;
        return Ok(());
    }
    let figures = Figures::measure(if given("--quick") { QUICK } else { FULL })?;
    print(&figures);
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
    let target = target.expect("cargo's folder for temporary files is in the target folder");
    figures.write(&target.join("kpack/bench/figures.json"))
}

fn print(figures: &Figures) {
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
}
