//! `cargo xtask build-kernels`: from `kernels-src` to a pack folder that only lacks its signature.

use std::path::{Path, PathBuf};

use anyhow::Result;
use kpack_build::{BuiltPack, Project};

use crate::outer_cargo::workspace_root;

/// Which way to a compiler a person asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum ToolchainChoice {
    /// rustup's if it has the target or can add it, otherwise Debian's
    #[default]
    Auto,
    /// The active toolchain, with the target added by `rustup target add`
    Rustup,
    /// Debian's rustc-web with rust-web-src: the standard library is built from source
    Debian,
}

impl From<ToolchainChoice> for kpack_build::ToolchainChoice {
    fn from(choice: ToolchainChoice) -> Self {
        match choice {
            ToolchainChoice::Auto => Self::Auto,
            ToolchainChoice::Rustup => Self::Rustup,
            ToolchainChoice::Debian => Self::Debian,
        }
    }
}

/// Builds the reference kernels and writes the pack to `out`, replacing a pack that stands there.
///
/// # Errors
///
/// As [`kpack_build::build_pack`].
pub(crate) fn build_pack(out: &Path, toolchain: ToolchainChoice) -> Result<BuiltPack> {
    let workspace = workspace_root();
    let target_dir = target_dir(&workspace).join("kernels-src");
    let project = Project::inside(&workspace, "kernels-src", target_dir);
    Ok(kpack_build::build_pack(&project, out, toolchain.into())?)
}

/// Where the reference pack is built unless a person says otherwise: `target/kpack/llama-core`.
pub(crate) fn default_out() -> PathBuf {
    target_dir(&workspace_root()).join("kpack/llama-core")
}

/// Where a verb of the build builds the pack for itself: nothing there is a person's.
pub(crate) fn scratch_out(verb: &str) -> PathBuf {
    let scratch = target_dir(&workspace_root()).join("kpack/scratch");
    scratch.join(verb).join("llama-core")
}

/// Where cargo builds.
pub(crate) fn target_dir(workspace: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.join("target"), PathBuf::from)
}
