//! Serves under load and counts, as the library says.

use std::num::NonZero;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use kpack_load::{Plan, Shared, run, serve_once, write_until_killed};

#[derive(Parser)]
#[command(about = "Serves under load while packs are swapped, damaged, rolled back and killed")]
struct Cli {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// Serves and counts
    Run {
        /// How many calls are served at the least
        #[arg(long, value_name = "N", default_value_t = 20_000)]
        calls: u64,
        /// How many swaps they are spread over
        #[arg(long, value_name = "N", default_value_t = 40)]
        swaps: u64,
        /// How many processes are killed while they write
        #[arg(long, value_name = "N", default_value_t = 12)]
        kills: u64,
        /// How many threads serve
        #[arg(long, value_name = "N", default_value_t = NonZero::new(4).expect("4 is not 0"))]
        threads: NonZero<usize>,
    },
    /// Publishes and loads releases from this number on, until it is killed
    #[command(hide = true)]
    Writer { folder: PathBuf, number: u32 },
    /// Loads a release and serves one call of it
    #[command(hide = true)]
    Service { folder: PathBuf, number: u32 },
}

/// What the resident memory may differ by from one part of a run to another.
const FLAT_WITHIN: u64 = 16 << 20;

/// How long a service may take to start after a kill.
const READY_WITHIN: Duration = Duration::from_secs(1);

fn main() -> anyhow::Result<ExitCode> {
    match Cli::parse().role {
        Role::Writer { folder, number } => write_until_killed(&Shared::at(&folder), number)?,
        Role::Service { folder, number } => serve_once(&Shared::at(&folder), number)?,
        Role::Run {
            calls,
            swaps,
            kills,
            threads,
        } => {
            let plan = Plan {
                calls,
                swaps,
                kills,
                threads,
            };
            let report = run(plan, &std::env::current_exe()?)?;
            println!("{report}");
            let mut complaints = report.complaints();
            if report.killed.slowest_start > READY_WITHIN {
                complaints.push(format!(
                    "a service took longer to start than {READY_WITHIN:?}"
                ));
            }
            if let Some([_, second, _, last]) = report.resident
                && last > second + FLAT_WITHIN
            {
                complaints.push(format!(
                    "the resident memory grew from {second} to {last} bytes"
                ));
            }
            for complaint in &complaints {
                eprintln!("error: {complaint}");
            }
            if !complaints.is_empty() {
                return Ok(ExitCode::FAILURE);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
