//! The project's build: `cargo xtask <verb>`.

#![forbid(unsafe_code)]

mod bench_report;
mod build_kernels;
mod built_program;
mod demo;
mod deny;
mod differential;
mod fuzz;
mod kernel_docs;
mod load;
mod miri;
mod mutants;
mod outer_cargo;
mod reference_pack;
mod signed_pack;
mod test;
mod test_32_bit;
mod tool;
mod vectors;

use std::num::NonZero;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::build_kernels::ToolchainChoice;

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
        Verb::BenchReport(options) => bench_report::bench_report(&options),
        Verb::Campaign { one_in } => fuzz::campaign(one_in),
        Verb::CompileBudget => fuzz::compile_budget(),
        Verb::Demo { toolchain } => demo::demo(toolchain),
        Verb::Deny => deny::deny(),
        Verb::Differential {
            modules,
            seed,
            jobs,
        } => differential::differential(modules, seed, jobs),
        Verb::Fuzz(options) => fuzz::fuzz(&options),
        Verb::KernelDocs => kernel_docs::kernel_docs(),
        Verb::Load(options) => load::load(&options),
        Verb::Miri => miri::miri(),
        Verb::Mutants(options) => mutants::mutants(&options),
        Verb::Test { toolchain } => test::test(toolchain),
        Verb::Test32Bit => test_32_bit::test_32_bit(),
        Verb::Vectors => vectors::write(),
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
    /// Runs the benches and writes their figures as JSON, as Markdown and as a chart
    BenchReport(bench_report::Options),
    /// Runs a million forgeries, twenty million mutants of manifests and a hundred thousand modules
    Campaign {
        /// Runs only one in N of them
        #[arg(long, value_name = "N", default_value = "1")]
        one_in: NonZero<u64>,
    },
    /// Compiles the worst modules within the caps, and prints time and memory
    CompileBudget,
    /// Builds, signs, verifies, runs and measures the reference kernels
    Demo {
        /// Where the wasm32 compiler comes from
        #[arg(long, value_enum, default_value_t)]
        toolchain: ToolchainChoice,
    },
    /// Judges the dependency tree by `deny.toml`
    Deny,
    /// Runs random modules on both engines, which must agree
    Differential {
        /// How many modules to run
        #[arg(long, value_name = "N", default_value_t = 20_000)]
        modules: u64,
        /// The seed of the first module; each further one has the next
        #[arg(long, value_name = "S", default_value_t = 0)]
        seed: u64,
        /// How many processes run at a time [default: one for each processor]
        #[arg(long, value_name = "J")]
        jobs: Option<NonZero<usize>>,
    },
    /// Feeds what reads strangers' bytes with hostile ones
    Fuzz(fuzz::Options),
    /// Writes a page about each kernel of the reference pack
    KernelDocs,
    /// Serves under load while packs are swapped, damaged, rolled back and killed, and counts
    Load(load::Options),
    /// Runs the tests of the lowest crates under Miri
    Miri,
    /// Tests whether the tests notice changes to verification and to the memory layout
    Mutants(mutants::Options),
    /// Runs every test
    Test {
        /// Where the wasm32 compiler comes from
        #[arg(long, value_enum, default_value_t)]
        toolchain: ToolchainChoice,
    },
    /// Runs the tests of what computes sizes where addresses have 32 bits
    #[command(name = "test-32-bit")]
    Test32Bit,
    /// Writes the vectors that packs ship for the reference kernels, below kernels-src
    Vectors,
    /// Replaces the reference pack that is committed with the `kpack` crate
    ReferencePack {
        /// Where the wasm32 compiler comes from
        #[arg(long, value_enum, default_value_t)]
        toolchain: ToolchainChoice,
    },
}
