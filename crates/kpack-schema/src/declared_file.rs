use std::iter;

use crate::{CheckedKernel, Digest, KernelInfo, PackPath};

/// Which of a kernel's files it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilePlace {
    /// The kernel's `path`.
    Module,
    /// The entry of the kernel's `variants` with this index.
    Variant(usize),
    /// The entry of the kernel's `vectors` with this index.
    Vector(usize),
}

/// One place of a manifest that names a file, as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeclaredFile<'a> {
    /// Which of the kernel's files it is.
    pub place: FilePlace,
    /// Where the file is said to be.
    pub path: &'a str,
    /// What its digest is said to be.
    pub hash: &'a str,
}

/// One place of a checked manifest that names a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckedFile<'a> {
    /// Which of the kernel's files it is.
    pub place: FilePlace,
    /// Where the file is in the pack.
    pub path: &'a PackPath,
    /// Its digest.
    pub digest: Digest,
}

impl FilePlace {
    /// Whether the file is a wasm module, rather than a vector.
    #[must_use]
    pub const fn is_module(self) -> bool {
        !matches!(self, Self::Vector(_))
    }
}

impl KernelInfo {
    /// Every place of the kernel that names a file: module, variants, vectors.
    pub fn files(&self) -> impl Iterator<Item = DeclaredFile<'_>> {
        let module = (FilePlace::Module, &self.path, &self.hash);
        let variants = self.variants.iter().enumerate();
        let variants = variants.map(|(i, file)| (FilePlace::Variant(i), &file.path, &file.hash));
        let vectors = self.vectors.iter().enumerate();
        let vectors = vectors.map(|(i, file)| (FilePlace::Vector(i), &file.path, &file.hash));
        let all = iter::once(module).chain(variants).chain(vectors);
        all.map(|(place, path, hash)| DeclaredFile { place, path, hash })
    }

    /// The path and the hash of every place of [`files`](Self::files), the hash to be written.
    pub fn hashes_mut(&mut self) -> impl Iterator<Item = (&str, &mut String)> {
        let module = (self.path.as_str(), &mut self.hash);
        let variants = self.variants.iter_mut();
        let variants = variants.map(|file| (file.path.as_str(), &mut file.hash));
        let vectors = self.vectors.iter_mut();
        let vectors = vectors.map(|file| (file.path.as_str(), &mut file.hash));
        iter::once(module).chain(variants).chain(vectors)
    }
}

impl CheckedKernel {
    /// Every place of the kernel that names a file: module, variants, vectors.
    pub fn files(&self) -> impl Iterator<Item = CheckedFile<'_>> {
        let module = (FilePlace::Module, &self.path, self.digest);
        let variants = self.variants.iter().enumerate();
        let variants = variants.map(|(i, file)| (FilePlace::Variant(i), &file.path, file.digest));
        let vectors = self.vectors.iter().enumerate();
        let vectors = vectors.map(|(i, file)| (FilePlace::Vector(i), &file.path, file.digest));
        let all = iter::once(module).chain(variants).chain(vectors);
        all.map(|(place, path, digest)| CheckedFile {
            place,
            path,
            digest,
        })
    }
}
