//! Programs of the workspace, built as the tests build them.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::outer_cargo;

/// Builds a program as `cargo xtask test` does, together with a test of its package. `cargo build` would
/// leave out what only tests ask of dependencies, and so build the engines a second time.
pub(crate) fn build(program: &str, test: &str) -> Result<PathBuf> {
    let mut cargo = outer_cargo::command();
    cargo.args(["test", "--workspace", "--all-features", "--no-run"]);
    cargo.args(["--test", test]);
    cargo.args(["--message-format", "json-render-diagnostics"]);
    let mut child = cargo.stdout(Stdio::piped()).spawn()?;
    let output = BufReader::new(child.stdout.take().expect("the output is piped"));
    let mut executable = None;
    for line in output.lines() {
        executable = built(program, &line?).or(executable);
    }
    ensure!(child.wait()?.success(), "the build failed");
    executable.context("the build gave no program")
}

/// The program, where a line of cargo's says that it is built.
fn built(program: &str, line: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(line).ok()?;
    let is_program = message["target"]["name"] == program
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
        let built = |line: &str| built("differential", line);
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
