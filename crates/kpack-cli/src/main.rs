//! The `kpack` command. What it takes, prints and returns is described in `docs/command-line.md`.

#![forbid(unsafe_code)]

mod args;
mod atomic;
mod cache;
mod console;
mod engine;
mod escape;
mod explanation;
mod failure;
mod files;
mod host;
mod judge;
mod key_text;
mod param;
mod report;
mod served;
mod state;
mod tensors;
mod usage;
mod verbs;

use std::ffi::OsString;
use std::process::ExitCode;
use std::thread;

use clap::Parser;

use crate::args::{Cli, Verb};
use crate::console::{Console, Format};
use crate::failure::Failure;
use crate::report::Report;

/// Room for any kernel under the host's policy, and for the compilers.
const STACK_BYTES: usize = 16 << 20;

/// Works on a thread of its own, so that a shell's limit on the stack (`ulimit -s`) is neither the
/// compilers' nor the kernels'.
fn main() -> ExitCode {
    match thread::Builder::new().stack_size(STACK_BYTES).spawn(work) {
        Ok(thread) => thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
        Err(_) => work(),
    }
}

fn work() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    match Cli::try_parse_from(&args) {
        Ok(cli) => {
            let console = Console::new(cli.format());
            console.finish(answer(&cli, &console))
        }
        Err(error) => Console::new(Format::of_args(&args)).finish(usage::answer(&error)),
    }
}

fn answer(cli: &Cli, console: &Console) -> Result<Report, Failure> {
    match &cli.verb {
        None => Err(usage::no_verb()),
        Some(Verb::Keygen(args)) => verbs::keygen::run(args),
        Some(Verb::New(args)) => verbs::new::run(args),
        Some(Verb::Build(args)) => verbs::build::run(args),
        Some(Verb::Hash(args)) => verbs::hash::run(args),
        Some(Verb::Sign(args)) => verbs::sign::run(args, console),
        Some(Verb::Archive(args)) => verbs::archive::run(args),
        Some(Verb::Verify(args)) => verbs::verify::run(args, console),
        Some(Verb::Inspect(args)) => verbs::inspect::run(args),
        Some(Verb::Run(args)) => verbs::run::run(args, console),
        Some(Verb::Explain(args)) => verbs::explain::run(args, console),
        Some(Verb::Check(args)) => verbs::check::run(args, console),
        Some(Verb::Bench(args)) => verbs::bench::run(args, console),
        Some(Verb::Trust(verb)) => verbs::trust::run(verb, console),
        Some(Verb::Cache(verb)) => verbs::cache::run(verb),
    }
}
