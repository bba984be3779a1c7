//! Tells the figures which compiler built them.

use std::env;
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
}
