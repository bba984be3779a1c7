//! The cargo that runs this program, for the host's own crates.

use std::path::PathBuf;
use std::process::Command;

/// `cargo` in the workspace's root.
pub(crate) fn command() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(workspace_root());
    cargo
}

/// The folder that holds the workspace.
pub(crate) fn workspace_root() -> PathBuf {
    // Set by `cargo run`; a copied or moved tree thus builds itself.
    let manifest_dir = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let xtask = manifest_dir.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    xtask
        .parent()
        .expect("xtask is a folder of the workspace")
        .to_owned()
}
