use std::collections::BTreeMap;

use super::problem::{Pointer, ProblemKind, Reporter};
use crate::{DeclaredFile, Digest, FilePlace, KernelInfo, PackPath};

/// Every file that a manifest names, by the form under which two paths would collide.
#[derive(Debug, Default)]
pub(super) struct Files {
    by_folded: BTreeMap<String, (PackPath, Option<Digest>)>,
}

/// A path and a digest that are ones; otherwise a problem was reported.
pub(super) type NamedFile = Option<(PackPath, Digest)>;

/// The files that one kernel names.
#[derive(Debug, Default)]
pub(super) struct KernelFiles {
    pub(super) module: NamedFile,
    pub(super) variants: Vec<NamedFile>,
    pub(super) vectors: Vec<NamedFile>,
}

impl Files {
    /// Checks every file that a kernel names and adds it.
    pub(super) fn add_all(
        &mut self,
        info: &KernelInfo,
        at: &Pointer,
        reporter: &mut Reporter,
    ) -> KernelFiles {
        let mut named = KernelFiles::default();
        for file in info.files() {
            match file.place {
                FilePlace::Module => named.module = self.add(file, at, reporter),
                FilePlace::Variant(index) => {
                    let at = at.key("variants").index(index);
                    named.variants.push(self.add(file, &at, reporter));
                }
                FilePlace::Vector(index) => {
                    let at = at.key("vectors").index(index);
                    named.vectors.push(self.add(file, &at, reporter));
                }
            }
        }
        named
    }

    /// Checks one `path` and `hash` pair and adds it.
    fn add(
        &mut self,
        DeclaredFile { path, hash, .. }: DeclaredFile<'_>,
        at: &Pointer,
        reporter: &mut Reporter,
    ) -> NamedFile {
        let path_at = at.key("path");
        let hash_at = at.key("hash");
        let digest: Option<Digest> = hash.parse().ok();
        if digest.is_none() {
            let allowed = "sha256: and 64 lower-case hex characters";
            reporter.report(&hash_at, ProblemKind::Hash, hash, allowed);
        }
        let path = safe_path(path, &path_at, reporter)?;
        let entry = self.by_folded.entry(path.folded());
        let (known, known_digest) = entry.or_insert_with(|| (path.clone(), digest));
        if *known != path {
            let allowed = format!("different from {known} where case is ignored");
            reporter.report(&path_at, ProblemKind::Path, &path, allowed);
        } else if let (Some(known), Some(digest)) = (*known_digest, digest)
            && known != digest
        {
            let allowed = format!("{known}, as elsewhere for the same path");
            reporter.report(&hash_at, ProblemKind::Hash, hash, allowed);
        }
        Some((path, digest?))
    }

    /// The files with their digests.
    pub(super) fn into_digests(self) -> BTreeMap<PackPath, Digest> {
        let known = self.by_folded.into_values();
        known
            .filter_map(|(path, digest)| Some((path, digest?)))
            .collect()
    }
}

fn safe_path(text: &str, at: &Pointer, reporter: &mut Reporter) -> Option<PackPath> {
    let path: PackPath = match text.parse() {
        Ok(path) => path,
        Err(crate::PathError::Length { found }) if found > crate::MAX_PATH_BYTES => {
            let allowed = format!("1 to {} bytes", crate::MAX_PATH_BYTES);
            reporter.report(at, ProblemKind::TooLarge, text, allowed);
            return None;
        }
        Err(_) => {
            let allowed = "relative, with / between segments of [A-Za-z0-9_-][A-Za-z0-9._-]*, \
                           none reserved on Windows or ending in a dot";
            reporter.report(at, ProblemKind::Path, text, allowed);
            return None;
        }
    };
    if path.is_reserved() {
        let allowed = "another file than the manifest and its signature";
        reporter.report(at, ProblemKind::Path, text, allowed);
        return None;
    }
    Some(path)
}
