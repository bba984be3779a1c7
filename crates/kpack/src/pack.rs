use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use kpack_exec::{Blame, PlatformError};
use kpack_schema::{CheckedManifest, Digest, KernelId, PackName};
use kpack_verify::KeyId;

use crate::kernel::Kernel;
use crate::references::References;
use crate::verifier::VettedPack;

/// A pack that a [`Runtime`](crate::Runtime) has verified and compiled for its engine. Immutable,
/// shared between threads, cheap to clone.
#[derive(Clone)]
pub struct Pack {
    inner: Arc<Inner>,
}

struct Inner {
    vetted: VettedPack,
    engine: String,
    kernels: BTreeMap<KernelId, Result<Kernel, PlatformError>>,
    references: References,
}

/// Why a pack gives no kernel of an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KernelError {
    /// The pack has none. The caller's fault.
    #[error("the pack {pack} has no kernel of this id: `{kernel}`")]
    Unknown {
        /// The id that was asked for.
        kernel: String,
        /// The pack's name.
        pack: PackName,
        /// The ids that the pack has, in the order of the manifest.
        known: Vec<KernelId>,
    },
    /// The pack has it, but this engine does not run it. The pack's fault.
    #[error("the kernel does not run on this engine: `{kernel}`")]
    Unavailable {
        /// The kernel.
        kernel: KernelId,
        /// What the kernel asks for that the engine is not.
        source: Box<PlatformError>,
    },
}

impl KernelError {
    /// Who has to act.
    #[must_use]
    pub const fn blame(&self) -> Blame {
        match self {
            Self::Unknown { .. } => Blame::Caller,
            Self::Unavailable { .. } => Blame::Pack,
        }
    }

    /// A stable name for programs, in `snake_case`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "unknown_kernel",
            Self::Unavailable { source, .. } => source.kind(),
        }
    }

    pub(crate) fn unknown(id: &str, manifest: &CheckedManifest) -> Self {
        let kernels = manifest.kernels().iter();
        Self::Unknown {
            kernel: id.to_owned(),
            pack: manifest.name().clone(),
            known: kernels.map(|kernel| kernel.id().clone()).collect(),
        }
    }
}

impl Pack {
    pub(crate) fn new(
        vetted: VettedPack,
        engine: String,
        kernels: BTreeMap<KernelId, Result<Kernel, PlatformError>>,
        references: References,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                vetted,
                engine,
                kernels,
                references,
            }),
        }
    }

    /// The kernel with this id.
    ///
    /// # Errors
    ///
    /// [`KernelError::Unknown`] when the pack has no such kernel, [`KernelError::Unavailable`] when
    /// it has one that this engine does not run.
    pub fn kernel(&self, id: &str) -> Result<Kernel, KernelError> {
        match self.inner.kernels.get_key_value(id) {
            Some((_, Ok(kernel))) => Ok(kernel.clone()),
            Some((id, Err(source))) => Err(KernelError::Unavailable {
                kernel: id.clone(),
                source: Box::new(source.clone()),
            }),
            None => Err(KernelError::unknown(id, self.manifest())),
        }
    }

    /// The kernels that this engine runs, in the order of the manifest.
    pub fn kernels(&self) -> impl Iterator<Item = &Kernel> {
        self.ids()
            .filter_map(|id| self.inner.kernels.get(id)?.as_ref().ok())
    }

    /// The kernels that this engine does not run, each with the reason, in the order of the
    /// manifest.
    pub fn unavailable(&self) -> impl Iterator<Item = (&KernelId, &PlatformError)> {
        self.ids()
            .filter_map(|id| Some((id, self.inner.kernels.get(id)?.as_ref().err()?)))
    }

    /// The pack's name.
    #[must_use]
    pub fn name(&self) -> &PackName {
        self.manifest().name()
    }

    /// The manifest that was signed.
    #[must_use]
    pub fn manifest(&self) -> &CheckedManifest {
        self.inner.vetted.manifest()
    }

    /// The digest of the signed bytes of `kernels.json`.
    #[must_use]
    pub fn manifest_digest(&self) -> Digest {
        self.inner.vetted.manifest_digest()
    }

    /// The trusted keys that signed and may sign for this pack name, sorted.
    #[must_use]
    pub fn signers(&self) -> &[KeyId] {
        self.inner.vetted.signers()
    }

    /// The name of the engine that the kernels are compiled for.
    #[must_use]
    pub fn engine(&self) -> &str {
        &self.inner.engine
    }

    /// The native kernels of the runtime that loaded the pack.
    #[must_use]
    pub fn references(&self) -> &References {
        &self.inner.references
    }

    /// The kernel of this id, or why this engine does not run it; `None` where the pack has none.
    pub(crate) fn compiled(&self, id: &KernelId) -> Option<&Result<Kernel, PlatformError>> {
        self.inner.kernels.get(id)
    }

    pub(crate) fn vetted(&self) -> &VettedPack {
        &self.inner.vetted
    }

    fn ids(&self) -> impl Iterator<Item = &KernelId> {
        self.manifest().kernels().iter().map(|kernel| kernel.id())
    }
}

impl fmt::Debug for Pack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pack")
            .field("name", self.name())
            .field("manifest_digest", &self.manifest_digest())
            .field("engine", &self.engine())
            .field("kernels", &self.inner.kernels.keys())
            .finish_non_exhaustive()
    }
}
