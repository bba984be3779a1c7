//! `cargo xtask deny`: what `deny.toml` allows in the dependency tree.

use anyhow::Result;

use crate::{outer_cargo, tool};
use kpack_build::run;

/// Checks bans, licences and sources, and known vulnerabilities where their database can be had.
pub(crate) fn deny() -> Result<()> {
    tool::require("deny", "cargo install --locked cargo-deny")?;
    let mut offline = outer_cargo::command();
    run(offline.args(["deny", "check", "bans", "licenses", "sources"]))?;
    // A git repository, which not every machine reaches.
    let fetched = tool::answers(outer_cargo::command().args(["deny", "fetch", "db"]));
    if fetched {
        let mut advisories = outer_cargo::command();
        return run(advisories.args(["deny", "check", "--disable-fetch", "advisories"]));
    }
    println!(
        "not checked: known vulnerabilities; the advisory database cannot be fetched from here"
    );
    Ok(())
}
