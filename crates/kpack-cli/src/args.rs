mod trust;

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand};

use crate::console::Format;

pub(crate) use trust::{
    AddKeyArgs, InitArgs, RevokeArgs, RootsArgs, RotateArgs, ShowArgs, SignTrustArgs, TrustVerb,
};

/// Signed WebAssembly kernel packs: make, check, run.
#[derive(Debug, Parser)]
#[command(
    name = "kpack",
    // Only that there is one: what is printed comes from the verb `version`.
    version,
    propagate_version = true,
    disable_version_flag = true,
    disable_help_subcommand = true
)]
pub(crate) struct Cli {
    /// Print one JSON object on stdout
    #[arg(long, global = true)]
    json: bool,
    /// Print the version, the runtime version and the engines compiled in
    #[arg(short = 'V', long = "version", global = true, action = ArgAction::Version)]
    _version: Option<bool>,
    #[command(subcommand)]
    pub(crate) verb: Option<Verb>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Make a signing key: the private key at KEY, the public one at KEY.pub
    Keygen(KeygenArgs),
    /// Make a project of kernels: one kernel with its test, ready to build
    New(NewArgs),
    /// Build a project of kernels to a pack, hashed but not signed
    Build(BuildArgs),
    /// Fill every hash in kernels.json from the files
    Hash(HashArgs),
    /// Sign a pack: add or replace this key's signature
    Sign(SignArgs),
    /// Put a signed pack into one file
    Archive(ArchiveArgs),
    /// Check a pack up to and including the static policy, without compiling it
    Verify(VerifyArgs),
    /// Show what a pack says of itself; nothing is verified
    Inspect(InspectArgs),
    /// Run a kernel once on the tensors of a file
    Run(RunArgs),
    /// Show what would run for a kernel on this machine, and why not the others
    Explain(ExplainArgs),
    /// Run every kernel on the test vectors that the pack ships
    Check(CheckArgs),
    /// Measure kernels on made-up inputs
    Bench(BenchArgs),
    /// Make, change, sign and show trust files, and make state folders
    #[command(subcommand)]
    Trust(TrustVerb),
    /// Show or clear the compiled code that is kept between runs
    #[command(subcommand)]
    Cache(CacheVerb),
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum CacheVerb {
    /// Show every entry
    List,
    /// Remove every entry
    Clear,
}

#[derive(Debug, Args)]
pub(crate) struct CacheArgs {
    /// Compile anew, and keep nothing
    #[arg(long)]
    pub(crate) no_cache: bool,
}

#[derive(Debug, Args)]
pub(crate) struct KeygenArgs {
    /// Where to write the private key; nothing is overwritten
    #[arg(long, value_name = "KEY")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    /// The project's and the pack's name; the folder to make
    pub(crate) name: String,
    /// Where the source of kpack-guest stands, where it is not to come from crates.io
    #[arg(long, value_name = "PATH")]
    pub(crate) guest_path: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    /// The project's folder, which has a pack.toml
    #[arg(value_name = "DIR", default_value = ".")]
    pub(crate) folder: PathBuf,
    /// The pack's folder; a pack that stands there is replaced, one that was signed is kept as
    /// PACK.previous
    #[arg(long, value_name = "PACK")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct HashArgs {
    /// The pack's folder
    pub(crate) pack: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct SignArgs {
    /// The pack's folder
    pub(crate) pack: PathBuf,
    /// The private key, PKCS#8 in DER or PEM
    #[arg(long, value_name = "KEY")]
    pub(crate) key: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ArchiveArgs {
    /// The pack: its folder, or its archive
    pub(crate) pack: PathBuf,
    /// Where to write the archive; nothing is overwritten
    #[arg(long, value_name = "X.kpack")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The pack: its folder, or its archive
    pub(crate) pack: PathBuf,
    #[command(flatten)]
    pub(crate) judge: JudgeArgs,
    /// Show each step that was passed, and the one that was not
    #[arg(long)]
    pub(crate) explain: bool,
}

/// What a pack is judged by.
#[derive(Debug, Args)]
pub(crate) struct JudgeArgs {
    /// Which keys are trusted: a trust.json
    #[arg(long, value_name = "TRUST")]
    pub(crate) trust: PathBuf,
    /// Where it is remembered what was accepted, so that nothing older is: see kpack trust init
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// The pack: its folder, or its archive
    pub(crate) pack: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// The pack: its folder, or its archive
    pub(crate) pack: PathBuf,
    /// The kernel's id
    pub(crate) kernel: String,
    #[command(flatten)]
    pub(crate) judge: JudgeArgs,
    /// The inputs, by their names in the manifest
    #[arg(long, value_name = "IN.safetensors")]
    pub(crate) inputs: PathBuf,
    /// Where to write the outputs
    #[arg(long, value_name = "OUT.safetensors")]
    pub(crate) output: PathBuf,
    /// A parameter that differs from its default
    #[arg(long = "param", value_name = "NAME=VALUE")]
    pub(crate) params: Vec<String>,
    /// The engine: wasmtime or wasmer
    #[arg(long, value_name = "ENGINE")]
    pub(crate) backend: Option<String>,
    /// Fail where the kernel fails: run none of its fallbacks
    #[arg(long)]
    pub(crate) strict: bool,
    #[command(flatten)]
    pub(crate) cache: CacheArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// The pack: its folder, or its archive
    pub(crate) pack: PathBuf,
    /// The kernel's id
    pub(crate) kernel: String,
    #[command(flatten)]
    pub(crate) judge: JudgeArgs,
    /// The engine: wasmtime or wasmer
    #[arg(long, value_name = "ENGINE")]
    pub(crate) backend: Option<String>,
    #[command(flatten)]
    pub(crate) cache: CacheArgs,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The pack: its folder, or its archive
    pub(crate) pack: PathBuf,
    #[command(flatten)]
    pub(crate) judge: JudgeArgs,
    /// The engine: wasmtime or wasmer; every one compiled in where left out
    #[arg(long, value_name = "ENGINE")]
    pub(crate) backend: Option<String>,
    #[command(flatten)]
    pub(crate) cache: CacheArgs,
}

#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// The pack: its folder, or its archive
    pub(crate) pack: PathBuf,
    /// The kernel's id; every kernel where left out
    pub(crate) kernel: Option<String>,
    #[command(flatten)]
    pub(crate) judge: JudgeArgs,
    /// The engine: wasmtime or wasmer; every one compiled in where left out
    #[arg(long, value_name = "ENGINE")]
    pub(crate) backend: Option<String>,
    /// The size of a dimension
    #[arg(long = "dim", value_name = "NAME=N")]
    pub(crate) dims: Vec<String>,
    #[command(flatten)]
    pub(crate) cache: CacheArgs,
}

impl Cli {
    pub(crate) const fn format(&self) -> Format {
        if self.json {
            Format::Json
        } else {
            Format::Text
        }
    }
}
