//! `cargo xtask mutants`: whether the tests notice when verification or the memory layout is changed.

use anyhow::Result;

use crate::{outer_cargo, tool};
use kpack_build::run;

/// The packages with the files that are mutated, and the tests that have to notice.
const RUNS: [&[&str]; 2] = [
    &[
        "--package",
        "kpack-verify",
        "--",
        "--lib",
        "--test",
        "suite",
    ],
    &[
        "--package",
        "kpack-exec",
        "--file",
        "crates/kpack-exec/src/plan.rs",
        "--file",
        "crates/kpack-exec/src/plan/layout.rs",
        "--",
        "--no-default-features",
        "--lib",
    ],
];

/// Mutates and tests; takes an hour.
pub(crate) fn mutants() -> Result<()> {
    tool::require("mutants", "cargo install --locked cargo-mutants")?;
    for (index, arguments) in RUNS.iter().enumerate() {
        let mut mutants = outer_cargo::command();
        mutants.args(["mutants", "--output"]);
        mutants.arg(format!("target/kpack/mutants-{index}"));
        run(mutants.args(*arguments))?;
    }
    Ok(())
}
