//! `cargo xtask load`: serves under load while packs are swapped, damaged, rolled back and killed.

use std::num::NonZero;
use std::process::Command;

use anyhow::Result;
use clap::Args;

use crate::{built_program, outer_cargo};

#[derive(Args)]
pub(crate) struct Options {
    /// How many calls are served at the least
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    calls: u64,
    /// How many swaps they are spread over
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    swaps: u64,
    /// How many processes are killed while they write
    #[arg(long, value_name = "N", default_value_t = 300)]
    kills: u64,
    /// How many threads serve
    #[arg(long, value_name = "N", default_value_t = NonZero::new(4).expect("4 is not 0"))]
    threads: NonZero<usize>,
}

/// Builds the program that does it and runs it.
///
/// A build for speed would take longer than it saves.
pub(crate) fn load(options: &Options) -> Result<()> {
    let mut program = Command::new(built_program::build("kpack-load", "under_load")?);
    program.current_dir(outer_cargo::workspace_root());
    program.arg("run");
    program.args(["--calls", &options.calls.to_string()]);
    program.args(["--swaps", &options.swaps.to_string()]);
    program.args(["--kills", &options.kills.to_string()]);
    program.args(["--threads", &options.threads.to_string()]);
    kpack_build::run(&mut program)
}
