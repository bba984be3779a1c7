use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum TrustVerb {
    /// Make a trust file, or a state folder, or both; nothing is overwritten
    Init(InitArgs),
    /// Trust one more key
    AddKey(AddKeyArgs),
    /// Revoke keys or manifests
    Revoke(RevokeArgs),
    /// Replace the root keys, their threshold, or the expiry
    Rotate(RotateArgs),
    /// Show a trust file, who has signed it, and what the state remembers
    Show(ShowArgs),
    /// Sign a trust file as one of its root keys: add or replace this key's signature
    Sign(SignTrustArgs),
}

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// The trust file to make
    pub(crate) trust: Option<PathBuf>,
    /// A key to trust: ed25519:<hex>, or the file that kpack keygen wrote it to
    #[arg(long = "key", value_name = "KEY", requires = "trust")]
    pub(crate) keys: Vec<String>,
    /// Which packs these keys may sign; every pack where left out
    #[arg(long = "packs", value_name = "GLOB", requires = "trust")]
    pub(crate) packs: Vec<String>,
    /// How many of the keys must sign a pack; 1 where left out
    #[arg(long, value_name = "N", requires = "trust")]
    pub(crate) threshold: Option<u64>,
    #[command(flatten)]
    pub(crate) roots: RootsArgs,
    /// The state folder to make; it pins the root keys, where any are given
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
}

/// What decides about the trust file itself.
#[derive(Debug, Args)]
pub(crate) struct RootsArgs {
    /// A key that signs the trust file itself: as for --key
    #[arg(long = "root", value_name = "KEY")]
    pub(crate) roots: Vec<String>,
    /// How many of the root keys must sign; as before, else 1, where left out
    #[arg(long, value_name = "N")]
    pub(crate) root_threshold: Option<u64>,
    /// From when on the trust file decides nothing, such as 2030-01-31T12:00:00Z
    #[arg(long, value_name = "TIME")]
    pub(crate) expires: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct AddKeyArgs {
    /// The trust file
    pub(crate) trust: PathBuf,
    /// The key: ed25519:<hex>, or the file that kpack keygen wrote it to
    pub(crate) key: String,
    /// Which packs it may sign; every pack where left out
    #[arg(long = "packs", value_name = "GLOB")]
    pub(crate) packs: Vec<String>,
    /// From when on its signatures count
    #[arg(long, value_name = "TIME")]
    pub(crate) not_before: Option<String>,
    /// From when on they count no more
    #[arg(long, value_name = "TIME")]
    pub(crate) not_after: Option<String>,
    /// A remark for people
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) comment: String,
    /// How many keys must sign a pack from now on
    #[arg(long, value_name = "N")]
    pub(crate) threshold: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct RevokeArgs {
    /// The trust file
    pub(crate) trust: PathBuf,
    /// A key: its id, ed25519:<hex>, or the file that kpack keygen wrote it to
    #[arg(long = "key", value_name = "KEY")]
    pub(crate) keys: Vec<String>,
    /// A manifest: sha256:<hex>, as kpack verify shows it
    #[arg(long = "manifest", value_name = "DIGEST")]
    pub(crate) manifests: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RotateArgs {
    /// The trust file
    pub(crate) trust: PathBuf,
    #[command(flatten)]
    pub(crate) roots: RootsArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The trust file
    pub(crate) trust: PathBuf,
    /// The state folder to hold it against
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct SignTrustArgs {
    /// The trust file
    pub(crate) trust: PathBuf,
    /// The private root key, PKCS#8 in DER or PEM
    #[arg(long, value_name = "KEY")]
    pub(crate) key: PathBuf,
}
