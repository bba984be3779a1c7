//! `cargo xtask differential`: random modules on both engines, which must agree.

use std::io::{BufRead, BufReader};
use std::num::NonZero;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::outer_cargo;
use crate::wasm_toolchain;

/// Builds the program that does it and runs it.
///
/// A build for speed would take longer than it saves.
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

/// Builds it as `cargo xtask test` does, together with the test of its package. `cargo build` would
/// leave out what only tests ask of dependencies, and so build the engines a second time.
fn build() -> Result<PathBuf> {
    let mut cargo = outer_cargo::command();
    cargo.args(["test", "--workspace", "--all-features", "--no-run"]);
    cargo.args(["--test", "engines_agree"]);
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

/// The program, where a line of cargo's says that it is built.
fn built(line: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(line).ok()?;
    let is_program = message["target"]["name"] == "differential"
        && message["target"]["kind"] == json!(["bin"])
        && message["profile"]["test"] == false;
    let path = message["executable"].as_str().filter(|_| is_program)?;
    Some(path.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_told_from_its_tests() {
        let line = |kind: &str, name: &str, test: bool| {
            json!({
                "reason": "compiler-artifact", "target": {"kind": [kind], "name": name},
                "profile": {"test": test}, "executable": "/target/it",
            })
            .to_string()
        };
        assert_eq!(
            built(&line("bin", "differential", false)),
            Some("/target/it".into())
        );
        assert_eq!(built(&line("bin", "differential", true)), None);
        assert_eq!(built(&line("bin", "kpack", false)), None);
        assert_eq!(built(&line("test", "engines_agree", true)), None);
        assert_eq!(built("not JSON"), None);
    }
}
