//! A built pack takes the place of an earlier one, and of nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use kpack_schema::KernelManifest;
use kpack_verify::{MANIFEST_FILE, SIGNATURE_FILE};

use crate::build::beside;

/// Fills a new folder and puts it in the place of `out`.
///
/// What stands at `out` must be an empty folder or a pack with no file beside what its manifest
/// names. A pack that was signed is kept as `<out>.previous`.
///
/// # Errors
///
/// If something else stands there, or the file system fails; `out` is then as it was.
pub(crate) fn replace(out: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let occupant = Occupant::of(out)?;
    let parent = match out.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let cannot_write = || format!("cannot write: `{}`", out.display());
    fs::create_dir_all(parent).with_context(cannot_write)?;
    let fresh = tempfile::Builder::new()
        .prefix(".kpack-build-")
        .tempdir_in(parent)
        .with_context(cannot_write)?;
    let pack = fresh.path().join("pack");
    fs::create_dir(&pack).with_context(cannot_write)?;
    fill(&pack)?;
    occupant.make_way(out)?;
    fs::rename(&pack, out).with_context(cannot_write)
}

/// What stands where a pack is to be written.
#[derive(Debug, PartialEq, Eq)]
enum Occupant {
    Nothing,
    EmptyFolder,
    UnsignedPack,
    SignedPack,
}

impl Occupant {
    fn of(out: &Path) -> Result<Self> {
        if fs::symlink_metadata(out).is_err() {
            return Ok(Self::Nothing);
        }
        let found = files(out).with_context(|| format!("cannot read: `{}`", out.display()))?;
        if found.is_empty() {
            return Ok(Self::EmptyFolder);
        }
        let stranger = found.difference(&files_of_a_pack(out)).next().cloned();
        ensure!(
            stranger.is_none(),
            "there is something other than a built pack at: `{}`; no pack has the file `{}`",
            out.display(),
            stranger.unwrap_or_default().display()
        );
        if found.contains(Path::new(SIGNATURE_FILE)) {
            Ok(Self::SignedPack)
        } else {
            Ok(Self::UnsignedPack)
        }
    }

    fn make_way(&self, out: &Path) -> Result<()> {
        let cannot = || format!("cannot replace: `{}`", out.display());
        match self {
            Self::Nothing => Ok(()),
            Self::EmptyFolder => fs::remove_dir(out).with_context(cannot),
            Self::UnsignedPack => fs::remove_dir_all(out).with_context(cannot),
            Self::SignedPack => {
                let previous = beside(out, "previous");
                if Self::of(&previous)? != Self::Nothing {
                    fs::remove_dir_all(&previous).with_context(cannot)?;
                }
                fs::rename(out, &previous).with_context(cannot)?;
                eprintln!("the signed pack that stood there: {}", previous.display());
                Ok(())
            }
        }
    }
}

/// The manifest, its signature, and every file that the manifest names.
fn files_of_a_pack(folder: &Path) -> BTreeSet<PathBuf> {
    let text = fs::read_to_string(folder.join(MANIFEST_FILE)).unwrap_or_default();
    let Ok(manifest) = KernelManifest::from_json(&text) else {
        return BTreeSet::new();
    };
    let kernels = manifest.kernels.iter();
    let named = kernels.flat_map(|kernel| {
        let variants = kernel.variants.iter().map(|variant| variant.path.as_str());
        let vectors = kernel.vectors.iter().map(|vector| vector.path.as_str());
        [kernel.path.as_str()]
            .into_iter()
            .chain(variants)
            .chain(vectors)
    });
    let own = [MANIFEST_FILE, SIGNATURE_FILE];
    named.chain(own).map(PathBuf::from).collect()
}

/// Every file below a folder, by its path from there. A link is a file.
fn files(folder: &Path) -> std::io::Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    let mut pending = vec![PathBuf::new()];
    while let Some(inner) = pending.pop() {
        for entry in fs::read_dir(folder.join(&inner))? {
            let entry = entry?;
            let path = inner.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                pending.push(path);
            } else {
                found.insert(path);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path) -> Result<()> {
        let kernel = r#"{"id": "k", "name": "", "category": "custom", "path": "k/k.wasm", "hash": "",
            "entry_point": "k", "inputs": [], "outputs": [], "resource_limits": {
            "max_memory_pages": 1, "max_epoch_ticks": 1, "max_table_elements": 0}}"#;
        let manifest = format!(
            r#"{{"version": "", "name": "", "description": "", "min_runtime_version": "",
            "max_runtime_version": "", "created_at": "",
            "author": {{"name": "", "email": "", "signing_key": ""}}, "kernels": [{kernel}]}}"#
        );
        fs::create_dir(folder.join("k"))?;
        fs::write(folder.join("k/k.wasm"), "")?;
        fs::write(folder.join(MANIFEST_FILE), manifest)?;
        Ok(())
    }

    #[test]
    fn a_pack_takes_the_place_of_nothing_of_an_empty_folder_and_of_a_pack() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("packs/pack");
        for _ in 0..2 {
            replace(&out, write).unwrap();
            assert_eq!(files(&out).unwrap().len(), 2);
        }
        let empty = dir.path().join("empty");
        fs::create_dir(&empty).unwrap();
        replace(&empty, write).unwrap();
        assert_eq!(
            files(dir.path()).unwrap().len(),
            4,
            "nothing stays beside it"
        );
    }

    #[test]
    fn a_signed_pack_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("pack");
        for turn in ["first", "second"] {
            replace(&out, write).unwrap();
            fs::write(out.join(SIGNATURE_FILE), turn).unwrap();
        }
        replace(&out, write).unwrap();
        assert!(!out.join(SIGNATURE_FILE).exists());
        let kept = beside(&out, "previous").join(SIGNATURE_FILE);
        assert_eq!(fs::read_to_string(kept).unwrap(), "second");
    }

    #[test]
    fn anything_else_stays_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("pack");
        replace(&out, write).unwrap();
        fs::write(out.join("notes.txt"), "mine").unwrap();
        let error = replace(&out, write).unwrap_err();
        assert!(error.to_string().contains("notes.txt"), "{error}");
        assert!(out.join("notes.txt").exists());

        let source = dir.path().join("source");
        fs::create_dir(&source).unwrap();
        fs::write(source.join(MANIFEST_FILE), "[]").unwrap();
        replace(&source, write).unwrap_err();
        let file = dir.path().join("file");
        fs::write(&file, "mine").unwrap();
        replace(&file, write).unwrap_err();
        assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    }

    #[test]
    fn a_build_that_fails_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("pack");
        replace(&out, write).unwrap();
        replace(&out, |_| anyhow::bail!("no disk")).unwrap_err();
        assert_eq!(files(dir.path()).unwrap().len(), 2);
    }
}
