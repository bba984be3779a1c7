//! Cargo's subcommands that do not come with the toolchain.

use std::process::{Command, Stdio};

use anyhow::{Result, bail};

/// Whether a command can be started and says that all is well.
pub(crate) fn answers(command: &mut Command) -> bool {
    let command = command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Says what to install where `cargo NAME` is missing.
pub(crate) fn require(name: &str, install: &str) -> Result<()> {
    if answers(crate::outer_cargo::command().args([name, "--version"])) {
        return Ok(());
    }
    bail!("cargo-{name} is not installed; this installs it: `{install}`")
}
