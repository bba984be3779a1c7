//! `cargo xtask test-32-bit`: the tests of the crates that compute sizes, where addresses have 32
//! bits.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::outer_cargo;

/// Linked by the toolchain's own linker with the C library that comes with the target, and run by
/// 64-bit Linux on x86, so that nothing else has to be installed.
const TARGET: &str = "i686-unknown-linux-musl";

/// Those without C code in their dependencies, for which there would have to be a 32-bit compiler.
const PACKAGES: &[&str] = &["kpack-abi", "kpack-schema"];

pub(crate) fn test_32_bit() -> Result<()> {
    ensure!(
        cfg!(all(target_os = "linux", target_arch = "x86_64")),
        "programs for {TARGET} run on 64-bit Linux on x86"
    );
    run(Command::new("rustup")
        .args(["target", "add", TARGET])
        .current_dir(outer_cargo::workspace_root()))?;
    let mut cargo = outer_cargo::command();
    cargo
        .env("CARGO_TARGET_I686_UNKNOWN_LINUX_MUSL_LINKER", "rust-lld")
        .env(
            "CARGO_TARGET_I686_UNKNOWN_LINUX_MUSL_RUSTFLAGS",
            "-Clinker-flavor=ld.lld -Clink-self-contained=yes",
        )
        .args(["test", "--target", TARGET, "--no-fail-fast"])
        // Examples in the documentation are linked in another way.
        .args(["--lib", "--tests"]);
    for package in PACKAGES {
        cargo.args(["--package", package]);
    }
    run(&mut cargo)
}

fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot run {command:?}"))?;
    ensure!(status.success(), "failed: {command:?}");
    Ok(())
}
