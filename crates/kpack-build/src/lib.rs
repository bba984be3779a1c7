//! From the source of kernels to a pack folder that only lacks its signature.
//!
//! A project of kernels is a folder with a `pack.toml`, what stands at the top of the manifest, and one
//! or several crates whose functions carry the `#[kernel]` attribute of kpack-guest. [`build_pack`]
//! compiles each crate for every set of features that it asks for, and makes the manifest's entries from
//! what the kernels declare in their source.
//!
//! ```no_run
//! use std::path::Path;
//! use kpack_build::{Project, ToolchainChoice, build_pack};
//!
//! let project = Project::at(Path::new("my-kernels"));
//! let pack = build_pack(&project, Path::new("packs/my-kernels"), ToolchainChoice::Installed)?;
//! println!("{pack}");
//! # Ok::<(), kpack_build::BuildError>(())
//! ```

#![forbid(unsafe_code)]

mod build;
mod error;
mod family;
mod pack_folder;
mod project;
mod recipe;
mod vectors;
mod wasm_module;
mod wasm_toolchain;

pub use build::{BuiltModule, BuiltPack, build_pack};
pub use error::BuildError;
pub use project::Project;
pub use vectors::VectorEntry;
pub use wasm_toolchain::{BuiltWith, ToolchainChoice, run};
