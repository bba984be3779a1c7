//! The reference pack that is committed beside the `kpack` crate's source.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

use anyhow::{Context, Result, ensure};
use kpack_schema::{KernelInfo, KernelManifest, Timestamp};

use crate::build_kernels::{ToolchainChoice, build_pack, scratch_out};
use crate::outer_cargo::workspace_root;
use crate::signed_pack::write_signed_copy;
use kpack_build::BuiltPack;
use kpack_build::BuiltWith;

/// Builds the kernels and replaces the committed pack: signed with a key that is then gone.
pub(crate) fn update(toolchain: ToolchainChoice) -> Result<()> {
    let built = build_pack(&scratch_out("reference-pack"), toolchain)?;
    write_signed_copy(&built, &folder(), Timestamp::try_from(SystemTime::now())?)?;
    let built_with = format!("{}\n", serde_json::to_string_pretty(&built.built_with)?);
    let file = folder().join(BUILT_WITH);
    fs::write(&file, built_with).with_context(|| format!("cannot write: `{}`", file.display()))?;
    let list = include_list(&built.manifest)?;
    fs::write(list_file(), list)
        .with_context(|| format!("cannot write: `{}`", list_file().display()))?;
    print!("{built}");
    println!("written to {}", folder().display());
    Ok(())
}

/// Builds the kernels and compares them with the committed pack, byte for byte. With another
/// compiler than the one that built that, it says so and compares no bytes.
pub(crate) fn compare_with_a_fresh_build(toolchain: ToolchainChoice) -> Result<()> {
    let built = build_pack(&scratch_out("reference-pack"), toolchain)?;
    let committed = folder().join(&built.manifest.name);
    let built_with: BuiltWith = serde_json::from_slice(&read(&folder().join(BUILT_WITH))?)?;
    if built_with != built.built_with {
        println!(
            "reference pack: not compared; it was built with {}, and here is {}",
            built_with.rustc, built.built_with.rustc
        );
        return Ok(());
    }
    for path in built.files() {
        let segments = || path.segments();
        let file = segments().fold(committed.clone(), |folder, segment| folder.join(segment));
        let fresh = segments().fold(built.dir.clone(), |folder, segment| folder.join(segment));
        ensure!(read(&file)? == read(&fresh)?, "{}: `{}`", STALE, path);
    }
    compare_manifests(
        &built,
        &String::from_utf8(read(&committed.join("kernels.json"))?)?,
    )?;
    println!(
        "reference pack: {} modules rebuilt with the same bytes",
        built.modules.len()
    );
    Ok(())
}

/// The manifests agree but for the signing key.
fn compare_manifests(built: &BuiltPack, committed: &str) -> Result<()> {
    let mut committed = KernelManifest::from_json(committed)?;
    committed
        .author
        .signing_key
        .clone_from(&built.manifest.author.signing_key);
    ensure!(committed == built.manifest, "{STALE}: `kernels.json`");
    Ok(())
}

const STALE: &str = "the committed reference pack is not what kernels-src gives; \
                     run `cargo xtask reference-pack`; it differs in";

const BUILT_WITH: &str = "built-with.json";

/// The source of the constant by which the crate embeds the pack's files.
fn include_list(manifest: &KernelManifest) -> Result<String> {
    let kernels = manifest.kernels.iter();
    let files = kernels.flat_map(KernelInfo::files);
    let files: BTreeSet<&str> = files.map(|file| file.path).collect();
    let mut list = String::from(
        "// Written by `cargo xtask reference-pack`: every file that the pack's manifest names.\n\n\
         embedded! {\n",
    );
    for file in files {
        list.push_str(&format!("    \"{file}\",\n"));
    }
    list.push_str("}\n");
    Ok(list)
}

fn list_file() -> PathBuf {
    workspace_root().join("crates/kpack/src/reference_pack/files.rs")
}

fn folder() -> PathBuf {
    workspace_root().join("crates/kpack/reference-pack")
}

fn read(path: &std::path::Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read: `{}`", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crate_embeds_every_file_of_the_committed_pack() {
        let manifest = read(&folder().join("llama-core/kernels.json")).unwrap();
        let manifest = KernelManifest::from_json(&String::from_utf8(manifest).unwrap()).unwrap();
        let list = include_list(&manifest).unwrap();
        assert_eq!(
            String::from_utf8(read(&list_file()).unwrap()).unwrap(),
            list
        );
    }
}
