//! `cargo xtask miri`: the crates that lay out memory, under an interpreter that sees every mistake.

use std::process::Command;

use anyhow::{Result, bail};

use crate::{outer_cargo, tool};
use kpack_build::run;

/// As this machine is, and with addresses of 32 bits.
const TARGETS: [&str; 2] = ["x86_64-unknown-linux-gnu", "i686-unknown-linux-gnu"];

/// Runs the tests of the lowest crates under Miri.
pub(crate) fn miri() -> Result<()> {
    let Some(toolchain) = [None, Some("+nightly")].into_iter().find(has_miri) else {
        bail!(
            "Miri is not installed; this installs it: \
             `rustup toolchain install nightly --component miri,rust-src`"
        );
    };
    for target in TARGETS {
        println!("under Miri for {target}:");
        let mut miri = cargo(toolchain);
        // Fixtures are read from files. Miri is some hundred times slower than a processor.
        miri.env("MIRIFLAGS", "-Zmiri-disable-isolation");
        miri.env("PROPTEST_CASES", "4");
        miri.args(["miri", "test", "--target", target]);
        miri.args(["--package", "kpack-abi", "--package", "kpack-schema"]);
        run(&mut miri)?;
    }
    Ok(())
}

fn has_miri(toolchain: &Option<&str>) -> bool {
    tool::answers(cargo(*toolchain).args(["miri", "--version"]))
}

/// The cargo that takes a toolchain's name, which is rustup's, and not the one that runs this.
fn cargo(toolchain: Option<&str>) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(outer_cargo::workspace_root());
    if let Some(toolchain) = toolchain {
        cargo.env_remove("RUSTUP_TOOLCHAIN").arg(toolchain);
    }
    cargo
}
