//! The processes that are started to be killed, and the services that start on what they leave.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use kpack_load::{Shared, serve_once, write_until_killed};

#[derive(Parser)]
#[command(about = "Writes until it is killed, or serves once")]
struct Cli {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// Publishes and loads releases from this number on, until it is killed
    #[command(hide = true)]
    Writer { folder: PathBuf, number: u32 },
    /// Loads a release and serves one call of it
    #[command(hide = true)]
    Service { folder: PathBuf, number: u32 },
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().role {
        Role::Writer { folder, number } => write_until_killed(&Shared::at(&folder), number)?,
        Role::Service { folder, number } => serve_once(&Shared::at(&folder), number)?,
    }
    Ok(())
}
