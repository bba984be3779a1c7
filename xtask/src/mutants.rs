//! `cargo xtask mutants`: whether the tests notice when verification or the memory layout is changed.

use std::fmt;
use std::fs;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, ValueEnum};
use serde::Deserialize;

use crate::{outer_cargo, tool};

/// How many of a hundred viable mutants the tests of an area have to notice.
const WANTED_PERCENT: usize = 90;

/// Hang a mutant and it is noticed. A test run takes some seconds, on a busy machine too.
const TIMEOUT_SECONDS: &str = "60";

/// Property tests try fewer cases than they do otherwise: what these notice, more of them do.
const PROPERTY_CASES: &str = "32";

#[derive(Args)]
pub(crate) struct Options {
    /// What to change [default: each in turn]
    area: Option<Area>,
    /// How many mutants are built and tested at a time
    #[arg(long, value_name = "J", default_value = "1")]
    jobs: NonZero<usize>,
    /// One of N equal parts of the mutants, counted from 0
    #[arg(long, value_name = "K/N")]
    shard: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Area {
    /// kpack-verify: signatures, trust, archives, a host's state
    Verify,
    /// What of kpack-exec places tensors in a kernel's memory and cuts calls
    Layout,
}

/// Mutates and tests; takes about an hour of one processor.
pub(crate) fn mutants(options: &Options) -> Result<()> {
    tool::require("mutants", "cargo install --locked cargo-mutants")?;
    let areas = options
        .area
        .map_or(Area::value_variants().to_vec(), |area| vec![area]);
    let mut tallies = Vec::new();
    for area in areas {
        tallies.push((area, area.mutate(options)?));
    }
    for (area, tally) in &tallies {
        println!("{area}: {tally}");
    }
    for (area, tally) in &tallies {
        ensure!(tally.is_enough(), "{area}: too few are caught: {tally}");
    }
    Ok(())
}

impl Area {
    /// The package and the files that are changed.
    const fn changed(self) -> &'static [&'static str] {
        match self {
            Self::Verify => &["--package", "kpack-verify"],
            Self::Layout => &[
                "--package",
                "kpack-exec",
                "--no-default-features",
                "--file",
                "crates/kpack-exec/src/plan.rs",
                "--file",
                "crates/kpack-exec/src/plan/layout.rs",
                "--file",
                "crates/kpack-exec/src/passes.rs",
                "--file",
                "crates/kpack-exec/src/tiles.rs",
            ],
        }
    }

    /// The tests that are built and have to notice. Those of the layout need no engine, which would take
    /// far longer to build than everything else.
    const fn tests(self) -> &'static [&'static str] {
        match self {
            Self::Verify => &["--lib", "--test=suite"],
            Self::Layout => &["--lib"],
        }
    }

    /// The report of cargo-mutants goes into `target/kpack/mutants/AREA/mutants.out`.
    fn report(self) -> PathBuf {
        let all = outer_cargo::workspace_root().join("target/kpack/mutants");
        all.join(self.to_string())
    }

    fn mutate(self, options: &Options) -> Result<Tally> {
        let report = self.report();
        fs::create_dir_all(&report)?;
        let mut mutants = outer_cargo::command();
        mutants.env("PROPTEST_CASES", PROPERTY_CASES);
        // It builds in copies of the tree, each with a target folder of its own, and without what was
        // built here: the fuzz targets' folder has gigabytes.
        mutants.args(["mutants", "--gitignore", "true"]);
        mutants.env_remove("CARGO_TARGET_DIR");
        mutants.env_remove("CARGO_INCREMENTAL");
        mutants.args(["--profile", "mutants", "--no-shuffle"]);
        mutants.args(["--timeout", TIMEOUT_SECONDS]);
        mutants.args(["--jobs", &options.jobs.to_string()]);
        mutants.arg("--output").arg(&report);
        if let Some(shard) = &options.shard {
            mutants.args(["--shard", shard]);
        }
        mutants.args(self.changed());
        // What stands behind `--` chooses what is run, not what is built.
        for tests in self.tests() {
            mutants.arg(format!("--cargo-arg={tests}"));
        }
        finished(&mut mutants)?;
        Tally::read(&report.join("mutants.out/outcomes.json"))
    }
}

impl fmt::Display for Area {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Verify => "verify",
            Self::Layout => "layout",
        })
    }
}

/// Waits until every mutant was tested, whether it was caught or not.
fn finished(mutants: &mut Command) -> Result<()> {
    let status = mutants.status().context("cannot start cargo-mutants")?;
    match status.code() {
        // All were caught; some were missed; some never ended.
        Some(0 | 2 | 3) => Ok(()),
        Some(4) => bail!("a test fails before anything is changed"),
        _ => bail!("cargo-mutants did not finish: {status}"),
    }
}

/// What became of the mutants, by cargo-mutants' own report.
#[derive(Debug, Deserialize)]
struct Tally {
    caught: usize,
    missed: usize,
    /// A test, or what it tests, never ended.
    timeout: usize,
}

impl Tally {
    fn read(report: &Path) -> Result<Self> {
        let text = fs::read_to_string(report)
            .with_context(|| format!("cannot read: `{}`", report.display()))?;
        let tally = serde_json::from_str(&text);
        tally.with_context(|| format!("not a report of cargo-mutants: `{}`", report.display()))
    }

    const fn noticed(&self) -> usize {
        self.caught + self.timeout
    }

    /// Those that the compiler takes.
    const fn viable(&self) -> usize {
        self.noticed() + self.missed
    }

    const fn is_enough(&self) -> bool {
        self.noticed() * 100 >= self.viable() * WANTED_PERCENT
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (noticed, viable) = (self.noticed(), self.viable());
        let percent = (noticed * 100).checked_div(viable).unwrap_or(100);
        write!(f, "{noticed} of {viable} ({percent}%)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_ends_is_noticed_and_what_does_not_compile_does_not_count() {
        let report = r#"{"outcomes": [], "total_mutants": 110,
            "missed": 10, "caught": 88, "timeout": 2, "unviable": 10, "success": 0}"#;
        let tally: Tally = serde_json::from_str(report).expect("a report");
        assert_eq!(tally.to_string(), "90 of 100 (90%)");
        assert!(tally.is_enough());
        let one_more = Tally {
            missed: 11,
            ..tally
        };
        assert!(!one_more.is_enough(), "{one_more}");
    }

    #[test]
    fn every_file_that_is_changed_is_there() {
        for area in Area::value_variants() {
            for pair in area.changed().windows(2).filter(|pair| pair[0] == "--file") {
                let file = outer_cargo::workspace_root().join(pair[1]);
                assert!(file.is_file(), "{}", pair[1]);
            }
        }
    }
}
