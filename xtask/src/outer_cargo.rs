//! The cargo that runs this program, for the host's own crates.

use std::path::PathBuf;
use std::process::Command;

/// `cargo` in the workspace's root.
pub(crate) fn command() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(workspace_root());
    // What describes this program to itself. Build scripts that watch these would run anew whenever
    // cargo is started by this program and by hand in turns.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&*name);
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_is_not_told_of_this_package() {
        assert!(std::env::var_os("CARGO_PKG_NAME").is_some(), "run by cargo");
        let command = command();
        let removed = |wanted: &str| {
            let mut changes = command.get_envs();
            changes.any(|(name, value)| name == wanted && value.is_none())
        };
        for name in ["CARGO_MANIFEST_DIR", "CARGO_PKG_NAME", "CARGO_PKG_VERSION"] {
            assert!(removed(name), "{name}");
        }
        assert!(!removed("PATH"));
    }
}
