//! `cargo xtask differential`: random modules on both engines, which must agree.

use std::io::{BufRead, BufReader};
use std::num::NonZero;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::outer_cargo;
use crate::wasm_toolchain;

/// Builds the program that does it and runs it.
///
/// It is built as the tests are: where they were built, only the program itself is left to build,
/// and a build for speed would take longer than it saves.
pub(crate) fn differential(modules: u64, seed: u64, jobs: Option<NonZero<usize>>) -> Result<()> {
    let mut program = Command::new(build()?);
    program.current_dir(outer_cargo::workspace_root());
    program.args(["--modules", &modules.to_string()]);
    program.args(["--seed", &seed.to_string()]);
    if let Some(jobs) = jobs {
        program.args(["--jobs", &jobs.to_string()]);
    }
    wasm_toolchain::run(&mut program)
}

fn build() -> Result<PathBuf> {
    let mut cargo = outer_cargo::command();
    cargo.args(["build", "--workspace", "--all-features"]);
    cargo.args(["--bin", "differential"]);
    cargo.args(["--message-format", "json-render-diagnostics"]);
    let mut child = cargo.stdout(Stdio::piped()).spawn()?;
    let output = BufReader::new(child.stdout.take().expect("the output is piped"));
    let mut executable = None;
    for line in output.lines() {
        executable = built(&line?).or(executable);
    }
    ensure!(child.wait()?.success(), "the build failed");
    executable.context("the build gave no program")
}

/// The program that a line of cargo's says it has built.
fn built(line: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(line).ok()?;
    message["executable"].as_str().map(PathBuf::from)
}
