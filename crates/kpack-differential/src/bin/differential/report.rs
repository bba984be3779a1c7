use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use kpack_differential::Case;

/// Writes the module of a seed, as bytes and as text, and how it ended.
pub(crate) fn write(seed: u64, what: &str, out: &Path) -> Result<()> {
    let case = Case::generate(seed);
    fs::create_dir_all(out).with_context(|| format!("cannot make: `{}`", out.display()))?;
    let file = |extension: &str, bytes: &[u8]| {
        let path = out.join(format!("{seed}.{extension}"));
        fs::write(&path, bytes).with_context(|| format!("cannot write: `{}`", path.display()))
    };
    file("wasm", case.module())?;
    file("txt", describe(seed, what, &case).as_bytes())?;
    file("wat", wasmprinter::print_bytes(case.module())?.as_bytes())
}

fn describe(seed: u64, what: &str, case: &Case) -> String {
    let features: Vec<_> = case.features().iter().map(ToString::to_string).collect();
    format!(
        "{what}\n\nfeatures: {}\nlimits: {:?}\nagain: cargo xtask differential --seed {seed} --modules 1\n",
        features.join(", "),
        case.limits()
    )
}
