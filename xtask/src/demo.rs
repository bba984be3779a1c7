//! `cargo xtask demo`: from the kernels' source to checked and measured numbers.

use std::time::SystemTime;

use anyhow::Result;
use kpack_schema::Timestamp;

use crate::build_kernels::{ToolchainChoice, build_pack, scratch_out, target_dir};
use crate::outer_cargo::{self, workspace_root};
use crate::signed_pack::write_signed_copy;

/// Builds the kernels, signs a pack with a throw-away key, and runs the rest in a release build.
pub(crate) fn demo(toolchain: ToolchainChoice) -> Result<()> {
    println!("1/3 kernels-src -> wasm");
    let built = build_pack(&scratch_out("demo"), toolchain)?;
    print!("{built}");

    let folder = target_dir(&workspace_root()).join("kpack/demo");
    println!("2/3 signed with a throw-away key -> {}", folder.display());
    write_signed_copy(&built, &folder, Timestamp::try_from(SystemTime::now())?)?;

    println!("3/3 verify, compile, run the golden cases, measure");
    let mut cargo = outer_cargo::command();
    cargo.args([
        "run",
        "--release",
        "--package",
        "kpack-benches",
        "--bin",
        "demo",
        "--",
    ]);
    cargo
        .arg(folder.join(&built.manifest.name))
        .arg(folder.join("trust.json"));
    kpack_build::run(&mut cargo)
}
