//! The project's build: `cargo xtask <verb>`.

#![forbid(unsafe_code)]

mod build_kernels;
mod demo;
mod outer_cargo;
mod pack_folder;
mod reference_pack;
mod signed_pack;
mod test;
mod wasm_module;
mod wasm_toolchain;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::wasm_toolchain::ToolchainChoice;

fn main() -> ExitCode {
    match run(Cli::parse().verb) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(verb: Verb) -> anyhow::Result<()> {
    match verb {
        Verb::BuildKernels { out, toolchain } => {
            let out = out.unwrap_or_else(build_kernels::default_out);
            let pack = build_kernels::build_pack(&out, toolchain)?;
            print!("{pack}");
            Ok(())
        }
        Verb::Demo { toolchain } => demo::demo(toolchain),
        Verb::Test { toolchain } => test::test(toolchain),
        Verb::ReferencePack { toolchain } => reference_pack::update(toolchain),
    }
}

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Builds and checks kpack")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Builds the reference kernels to wasm and assembles them, hashed but unsigned, as a pack
    BuildKernels {
        /// The pack's folder; a pack that stands there is replaced, one that was signed is kept as
        /// DIR.previous [default: target/kpack/llama-core]
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        /// Where the wasm32 compiler comes from
        #[arg(long, value_enum, default_value_t)]
        toolchain: ToolchainChoice,
    },
    /// Builds, signs, verifies, runs and measures the reference kernels
    Demo {
        /// Where the wasm32 compiler comes from
        #[arg(long, value_enum, default_value_t)]
        toolchain: ToolchainChoice,
    },
    /// Runs every test
    Test {
        /// Where the wasm32 compiler comes from
        #[arg(long, value_enum, default_value_t)]
        toolchain: ToolchainChoice,
    },
    /// Replaces the reference pack that is committed with the `kpack` crate
    ReferencePack {
        /// Where the wasm32 compiler comes from
        #[arg(long, value_enum, default_value_t)]
        toolchain: ToolchainChoice,
    },
}
