//! Signs a built pack with a throw-away key, and writes the trust file that accepts it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use kpack_schema::{HostPolicy, KernelManifest, PackPath, Timestamp};
use kpack_verify::{MANIFEST_FILE, PackBytes, PackParts, SIGNATURE_FILE, SigningKey, Trust};

use kpack_build::BuiltPack;

/// Writes a signed copy of `built` to `<folder>/<pack name>` and the trust file for it to
/// `<folder>/trust.json`. The key exists only while this runs.
///
/// # Errors
///
/// If the pack does not pass its own checks or a file cannot be written.
pub(crate) fn write_signed_copy(built: &BuiltPack, folder: &Path, now: Timestamp) -> Result<()> {
    let key = SigningKey::generate().context("the system has no randomness")?;
    let mut manifest = built.manifest.clone();
    manifest.author.signing_key = key.public_key().to_string();
    let manifest = format!("{}\n", manifest.to_json()?).into_bytes();

    let policy = host_policy(&built.manifest)?;
    let parts = PackParts {
        manifest,
        signature: None,
        files: files(built)?,
    };
    let signature = {
        let pack = PackBytes::new(parts.clone())?;
        kpack_verify::sign_pack(&pack, &policy, &key)?.to_json()
    };
    let trust = trust_json(&key, &built.manifest.name);
    let signed = PackParts {
        signature: Some(signature.into_bytes()),
        ..parts
    };
    Trust::from_json(&trust)?.verify_with(PackBytes::new(signed.clone())?, now, &policy)?;

    write_folder(&folder.join(&built.manifest.name), &signed)?;
    write(&folder.join("trust.json"), trust.as_bytes())
}

/// A host that serves every fallback itself that is no kernel of the pack.
fn host_policy(manifest: &KernelManifest) -> Result<HostPolicy> {
    let targets = manifest
        .fallbacks
        .values()
        .filter(|id| manifest.get_kernel(id).is_none());
    let named = targets.map(|id| id.parse()).collect::<Result<_, _>>()?;
    Ok(HostPolicy {
        named_fallbacks: named,
        ..HostPolicy::default()
    })
}

fn trust_json(key: &SigningKey, pack: &str) -> String {
    let trust = serde_json::json!({
        "kpack_trust": 1,
        "keys": [{
            "key": key.public_key().to_string(),
            "packs": [pack],
            "comment": "A throw-away key: its private half was never written down",
        }],
    });
    format!("{trust:#}\n")
}

fn files(built: &BuiltPack) -> Result<BTreeMap<PackPath, Vec<u8>>> {
    let read = |path: &PackPath| {
        let file = path
            .segments()
            .fold(built.dir.clone(), |folder, segment| folder.join(segment));
        fs::read(&file).with_context(|| format!("cannot read: `{}`", file.display()))
    };
    let files = built.files();
    files.map(|path| Ok((path.clone(), read(path)?))).collect()
}

fn write_folder(folder: &Path, pack: &PackParts) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("cannot remove: `{}`", folder.display()))?;
    }
    for (path, bytes) in &pack.files {
        let file = path
            .segments()
            .fold(folder.to_owned(), |folder, segment| folder.join(segment));
        write(&file, bytes)?;
    }
    write(&folder.join(MANIFEST_FILE), &pack.manifest)?;
    match &pack.signature {
        Some(signature) => write(&folder.join(SIGNATURE_FILE), signature),
        None => Ok(()),
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().expect("a file stands in a folder");
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, bytes))
        .with_context(|| format!("cannot write: `{}`", path.display()))
}
