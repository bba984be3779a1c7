//! `cargo xtask differential`: random modules on both engines, which must agree.

use std::num::NonZero;
use std::process::Command;

use anyhow::Result;

use crate::{built_program, outer_cargo};

/// Builds the program that does it and runs it.
///
/// A build for speed would take longer than it saves.
pub(crate) fn differential(modules: u64, seed: u64, jobs: Option<NonZero<usize>>) -> Result<()> {
    let mut program = Command::new(built_program::build("differential", "engines_agree")?);
    program.current_dir(outer_cargo::workspace_root());
    program.args(["--modules", &modules.to_string()]);
    program.args(["--seed", &seed.to_string()]);
    if let Some(jobs) = jobs {
        program.args(["--jobs", &jobs.to_string()]);
    }
    kpack_build::run(&mut program)
}
