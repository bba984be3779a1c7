//! `cargo xtask fuzz`: hostile inputs, from libFuzzer or from seeds alone.

use std::fs;
use std::io::{BufRead, BufReader};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::{outer_cargo, tool};
use kpack_build::run;

#[derive(Args)]
pub(crate) struct Options {
    /// What to fuzz: the name of a file in fuzz/fuzz_targets [default: each in turn]
    target: Option<String>,
    /// How long libFuzzer fuzzes each target
    #[arg(long, value_name = "N", default_value_t = 60, conflicts_with = "smoke")]
    seconds: u64,
    /// Without libFuzzer: seeds, and mutants that follow from a number
    #[arg(long)]
    smoke: bool,
    /// How many inputs each target gets without libFuzzer
    #[arg(long, value_name = "N", default_value_t = 100_000, requires = "smoke")]
    executions: u64,
}

/// Fuzzes one target or all.
pub(crate) fn fuzz(options: &Options) -> Result<()> {
    if options.smoke {
        return smoke(options);
    }
    tool::require("fuzz", "cargo install --locked cargo-fuzz")?;
    let folder = outer_cargo::workspace_root().join("fuzz");
    let known = targets(&folder)?;
    let wanted = match &options.target {
        None => known,
        Some(target) => {
            let list = known.join(", ");
            ensure!(
                known.contains(target),
                "unknown target (known are {list}): `{target}`"
            );
            vec![target.clone()]
        }
    };
    for target in wanted {
        let executions = libfuzzer(&folder, &target, options.seconds)?;
        println!(
            "{target}: {executions} executions in {} s, no promise broken",
            options.seconds
        );
    }
    Ok(())
}

/// Hostile inputs by the million, or one in so many of them; all of them take an hour or two.
pub(crate) fn campaign(one_in: NonZero<u64>) -> Result<()> {
    let count = |all: u64| (all / one_in).to_string();
    for arguments in [
        &["forge", "--count", &count(1_000_000)][..],
        &["smoke", "manifest", "--executions", &count(10_000_000)],
        &["smoke", "archive", "--executions", &count(10_000_000)],
        &["modules", "--judge", &count(100_000), "--run", &count(5000)],
    ] {
        run(program().args(arguments))?;
    }
    Ok(())
}

/// Time and memory that the worst modules within the caps cost.
pub(crate) fn compile_budget() -> Result<()> {
    run(program().arg("compile-budget"))
}

fn smoke(options: &Options) -> Result<()> {
    let mut program = program();
    program.arg("smoke").args(&options.target);
    run(program.args(["--executions", &options.executions.to_string()]))
}

/// The program of the package, built for speed.
fn program() -> std::process::Command {
    let mut cargo = outer_cargo::command();
    cargo.args([
        "run",
        "--release",
        "--quiet",
        "--package",
        "kpack-fuzz",
        "--",
    ]);
    cargo
}

/// The targets by their files.
fn targets(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder.join("fuzz_targets"))?;
    let mut names = Vec::new();
    for entry in entries {
        let path: PathBuf = entry?.path();
        let name = path.file_stem().context("a target has a name")?;
        names.push(name.to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// Runs libFuzzer, passes on what it says, and gives the number of inputs it ran.
fn libfuzzer(folder: &Path, target: &str, seconds: u64) -> Result<u64> {
    // What libFuzzer finds worth keeping; the seeds stay as they are.
    let corpus = format!("corpus/{target}");
    fs::create_dir_all(folder.join(&corpus))?;
    let mut fuzz = outer_cargo::command();
    fuzz.current_dir(folder);
    // Coverage counters need an option that only nightly compilers take by themselves. No sanitizer:
    // what is fuzzed is safe Rust, and engines handle signals of their own.
    fuzz.env("RUSTC_BOOTSTRAP", "1");
    fuzz.args(["fuzz", "run", "--fuzz-dir", ".", "--sanitizer", "none"]);
    fuzz.args([target, &corpus, &format!("seeds/{target}"), "--"]);
    fuzz.arg(format!("-max_total_time={seconds}"));
    fuzz.arg(format!("-dict=dictionaries/{target}.dict"));
    fuzz.args(["-print_final_stats=1", "-rss_limit_mb=2048", "-timeout=30"]);
    let mut child = fuzz.stderr(Stdio::piped()).spawn()?;
    let said = BufReader::new(child.stderr.take().expect("its errors are piped"));
    let mut executions = None;
    for line in said.lines() {
        let line = line?;
        eprintln!("{line}");
        executions = executed(&line).or(executions);
    }
    ensure!(
        child.wait()?.success(),
        "libFuzzer found something in: `{target}`"
    );
    executions.context("libFuzzer did not say how many inputs it ran")
}

/// `stat::number_of_executed_units: 12345`
fn executed(line: &str) -> Option<u64> {
    let count = line.strip_prefix("stat::number_of_executed_units:")?;
    count.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executions_are_read_from_the_closing_lines() {
        assert_eq!(
            executed("stat::number_of_executed_units: 12345"),
            Some(12_345)
        );
        assert_eq!(executed("stat::average_exec_per_sec:     100"), None);
    }

    #[test]
    fn every_target_has_seeds_a_dictionary_and_a_place_in_the_manifest() {
        let folder = outer_cargo::workspace_root().join("fuzz");
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).expect("fuzz/Cargo.toml");
        let targets = targets(&folder).expect("fuzz/fuzz_targets");
        assert!(targets.len() >= 5, "{targets:?}");
        for target in targets {
            assert!(
                manifest.contains(&format!("name = \"{target}\"")),
                "{target}"
            );
            assert!(
                folder.join(format!("dictionaries/{target}.dict")).is_file(),
                "{target}"
            );
            assert!(folder.join(format!("seeds/{target}")).is_dir(), "{target}");
        }
    }
}
