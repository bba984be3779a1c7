use std::collections::{BTreeMap, BTreeSet};

use kpack_schema::{CheckedKernel, CheckedManifest, Digest, KernelId, PackName, PackPath};

/// The kernels that an operator lets run, by digest. Empty: every kernel of a trusted pack.
#[derive(Debug, Clone, Default)]
pub(crate) struct AllowList(BTreeMap<PackName, BTreeMap<KernelId, BTreeSet<Digest>>>);

/// What an allow list does not name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NotAllowed {
    Pack(PackName),
    Kernel(KernelId),
    Digest {
        kernel: KernelId,
        path: PackPath,
        digest: Digest,
    },
}

impl AllowList {
    pub(super) fn new(allowed: BTreeMap<PackName, BTreeMap<KernelId, BTreeSet<Digest>>>) -> Self {
        Self(allowed)
    }

    /// Refuses a manifest of which the pack, a kernel, or the digest of a module or of a variant is
    /// not listed.
    pub(crate) fn admit(&self, manifest: &CheckedManifest) -> Result<(), NotAllowed> {
        if self.0.is_empty() {
            return Ok(());
        }
        let kernels = self
            .0
            .get(manifest.name())
            .ok_or_else(|| NotAllowed::Pack(manifest.name().clone()))?;
        for kernel in manifest.kernels() {
            let digests = kernels
                .get(kernel.id())
                .ok_or_else(|| NotAllowed::Kernel(kernel.id().clone()))?;
            admit_kernel(digests, kernel)?;
        }
        Ok(())
    }
}

fn admit_kernel(allowed: &BTreeSet<Digest>, kernel: &CheckedKernel) -> Result<(), NotAllowed> {
    let mut modules = kernel.files().filter(|file| file.place.is_module());
    match modules.find(|file| !allowed.contains(&file.digest)) {
        None => Ok(()),
        Some(file) => Err(NotAllowed::Digest {
            kernel: kernel.id().clone(),
            path: file.path.clone(),
            digest: file.digest,
        }),
    }
}
