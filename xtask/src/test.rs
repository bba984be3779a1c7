//! `cargo xtask test`: every test of the project, and one closing line that counts them.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::build_kernels::ToolchainChoice;
use crate::{outer_cargo, reference_pack};

/// The runs of `cargo test`, in order. Features only add, so that one run has nearly all.
const RUNS: &[&[&str]] = &[
    &["test", "--workspace", "--all-features"],
    // Each engine alone; and without one there is still a library that compiles and checks.
    &[
        "test",
        "--package",
        "kpack-exec",
        "--no-default-features",
        "--features",
        "wasmtime",
    ],
    &[
        "test",
        "--package",
        "kpack-exec",
        "--no-default-features",
        "--features",
        "wasmer",
    ],
    &["test", "--package", "kpack-exec", "--no-default-features"],
];

/// Rebuilds the reference pack and compares, then runs the test suite.
pub(crate) fn test(toolchain: ToolchainChoice) -> Result<()> {
    reference_pack::compare_with_a_fresh_build(toolchain)?;
    let mut total = Counts::default();
    let mut failed = Vec::new();
    for arguments in RUNS {
        let (counts, success) = run(arguments)?;
        total.passed += counts.passed;
        total.failed += counts.failed;
        total.ignored += counts.ignored;
        if !success {
            failed.push(arguments.join(" "));
        }
    }
    println!(
        "\n{} passed, {} failed, {} skipped",
        total.passed, total.failed, total.ignored
    );
    if failed.is_empty() {
        Ok(())
    } else {
        bail!("failed: `cargo {}`", failed.join("`, `cargo "))
    }
}

#[derive(Debug, Default, PartialEq)]
struct Counts {
    passed: u64,
    failed: u64,
    ignored: u64,
}

/// Runs cargo, passes its output on and adds up the closing lines of the test binaries.
fn run(arguments: &[&str]) -> Result<(Counts, bool)> {
    let mut command: Command = outer_cargo::command();
    // A failed binary does not keep the others from being counted.
    command
        .args(arguments)
        .arg("--no-fail-fast")
        .stdout(Stdio::piped());
    let mut child = command.spawn().context("cannot run cargo")?;
    let output = BufReader::new(child.stdout.take().expect("the output is piped"));
    let mut counts = Counts::default();
    for line in output.lines() {
        let line = line?;
        writeln!(std::io::stdout(), "{line}")?;
        if let Some(of_binary) = closing_line(&line) {
            counts.passed += of_binary.passed;
            counts.failed += of_binary.failed;
            counts.ignored += of_binary.ignored;
        }
    }
    Ok((counts, child.wait()?.success()))
}

/// `test result: ok. 12 passed; 0 failed; 0 ignored; ...`
fn closing_line(line: &str) -> Option<Counts> {
    let rest = line.strip_prefix("test result: ")?.split_once(". ")?.1;
    let count = |word: &str| {
        rest.split("; ")
            .find_map(|part| part.strip_suffix(word)?.trim().parse::<u64>().ok())
    };
    Some(Counts {
        passed: count("passed")?,
        failed: count("failed")?,
        ignored: count("ignored")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_are_counted_and_other_lines_are_not() {
        let line = "test result: FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s";
        assert_eq!(
            closing_line(line),
            Some(Counts {
                passed: 12,
                failed: 3,
                ignored: 1
            })
        );
        assert_eq!(closing_line("test json::tests::a ... ok"), None);
    }
}
