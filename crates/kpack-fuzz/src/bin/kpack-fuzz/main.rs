//! Hostile inputs for as long as one likes: what `cargo xtask fuzz --smoke` and
//! `cargo xtask compile-budget` start.

#![forbid(unsafe_code)]

mod compile_budget;
mod cost;
mod runs;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

fn main() -> ExitCode {
    match run(Cli::parse().step) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(step: Step) -> anyhow::Result<()> {
    match step {
        Step::Smoke {
            target,
            executions,
            seed,
        } => runs::smoke(target.as_deref(), executions, seed),
        Step::Forge { count, seed } => runs::forge(count, seed),
        Step::Modules { judge, run, seed } => runs::modules(judge, run, seed),
        Step::CompileBudget { only } => compile_budget::run(only.as_deref()),
        Step::CompileOne { bomb, engine, part } => {
            compile_budget::compile_one(&bomb, &engine, part)
        }
    }
}

#[derive(Parser)]
#[command(about = "Feeds kpack hostile inputs and counts what becomes of them")]
struct Cli {
    #[command(subcommand)]
    step: Step,
}

#[derive(Subcommand)]
enum Step {
    /// Runs the seeds of one target, or of each, and mutants of them
    Smoke {
        /// The target [default: each]
        target: Option<String>,
        /// How many inputs to run
        #[arg(long, value_name = "N", default_value_t = 100_000)]
        executions: u64,
        /// What the mutants follow from
        #[arg(long, value_name = "S", default_value_t = 0)]
        seed: u64,
    },
    /// Judges packs that nobody who is trusted has signed
    Forge {
        /// How many
        #[arg(long, value_name = "N", default_value_t = 100_000)]
        count: u64,
        /// What they follow from
        #[arg(long, value_name = "S", default_value_t = 0)]
        seed: u64,
    },
    /// Judges modules, and runs some of them on both engines
    Modules {
        /// How many to judge
        #[arg(long, value_name = "N", default_value_t = 1_000)]
        judge: u64,
        /// How many of those that pass to run
        #[arg(long, value_name = "N", default_value_t = 50)]
        run: u64,
        /// What they follow from
        #[arg(long, value_name = "S", default_value_t = 0)]
        seed: u64,
    },
    /// Compiles every compile bomb at the edge of the caps, and prints time and memory
    CompileBudget {
        /// Those whose names contain this alone
        #[arg(long, value_name = "TEXT")]
        only: Option<String>,
    },
    /// Compiles one bomb on one engine, of the largest size or of one part in so many of it
    #[command(hide = true)]
    CompileOne {
        bomb: String,
        engine: String,
        #[arg(default_value_t = 1)]
        part: u32,
    },
}
