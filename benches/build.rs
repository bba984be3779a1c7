//! Tells the figures which compiler built them, and which versions of the peers.

use std::env;
use std::fs;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let rustc = env::var_os("RUSTC").expect("cargo names its compiler");
    let output = Command::new(rustc).arg("--version").output();
    let version = output.expect("the compiler that cargo names runs").stdout;
    println!(
        "cargo::rustc-env=KPACK_RUSTC={}",
        String::from_utf8_lossy(&version).trim()
    );
    println!("cargo::rerun-if-changed={LOCKFILE}");
    let lockfile = fs::read_to_string(LOCKFILE).expect("the workspace has a lockfile");
    let candle = locked(&lockfile, "candle-nn").expect("candle is locked");
    println!("cargo::rustc-env=KPACK_CANDLE={candle}");
}

const LOCKFILE: &str = "../Cargo.lock";

/// The version of a package, which stands in the line after its name.
fn locked<'a>(lockfile: &'a str, package: &str) -> Option<&'a str> {
    let (_, behind) = lockfile.split_once(&format!("name = \"{package}\"\nversion = \""))?;
    behind.split('"').next()
}
