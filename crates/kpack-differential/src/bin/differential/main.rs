//! Runs many cases in child processes and prints what they came to: what `cargo xtask differential`
//! starts.

#![forbid(unsafe_code)]

mod child;
mod message;
mod progress;
mod report;
mod shift;
mod worker;

use std::num::NonZero;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use crate::child::Program;
use crate::shift::Shift;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.step {
        None => run(cli.run),
        Some(Step::Work { first, count, out }) => worker::work(first..first + count, &out),
        Some(Step::Write { seed, what, out }) => report::write(seed, &what, &out),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Run) -> Result<()> {
    let end = arguments.seed.saturating_add(arguments.modules);
    let jobs = arguments
        .jobs
        .unwrap_or_else(|| thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN));
    let tally =
        Shift::new(Program::this()?, arguments.seed..end, arguments.out.clone())?.run(jobs)?;
    print!("{tally}");
    for (seed, what) in tally.mismatches.iter().chain(&tally.host_failures) {
        println!("seed {seed}: {what}");
    }
    anyhow::ensure!(
        tally.is_clean(),
        "modules and reports are in: `{}`",
        arguments.out.display()
    );
    Ok(())
}

#[derive(Parser)]
#[command(about = "Runs random modules on every engine and compares")]
struct Cli {
    #[command(subcommand)]
    step: Option<Step>,
    #[command(flatten)]
    run: Run,
}

#[derive(Args)]
struct Run {
    /// How many modules to run
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    modules: u64,
    /// The seed of the first module; each further one has the next
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// How many processes run at a time [default: one for each processor]
    #[arg(long, value_name = "J")]
    jobs: Option<NonZero<usize>>,
    /// Where modules on which the engines differ are written
    #[arg(long, value_name = "DIR", default_value = "target/kpack/differential")]
    out: PathBuf,
}

/// What child processes do.
#[derive(Subcommand)]
enum Step {
    /// Runs some cases and writes a line of JSON before and after each
    #[command(hide = true)]
    Work {
        first: u64,
        count: u64,
        out: PathBuf,
    },
    /// Writes the module of a seed without running it
    #[command(hide = true)]
    Write {
        seed: u64,
        what: String,
        out: PathBuf,
    },
}
