use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use semver::Version;

use crate::{
    Digest, FeatureSet, KernelId, KernelInfo, KernelManifest, Limits, PackName, PackPath,
    ParamValue, PublicKey, Signature, Timestamp, Tolerance,
};

/// A manifest whose names, shapes, limits, versions and fallbacks make sense, and whose limits this
/// host allows. Made only by [`KernelManifest::check`].
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedManifest {
    pub(crate) manifest: KernelManifest,
    pub(crate) name: PackName,
    pub(crate) version: Version,
    pub(crate) created_at: Timestamp,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) signing_key: PublicKey,
    pub(crate) kernels: Vec<Arc<CheckedKernel>>,
    pub(crate) fallbacks: BTreeMap<KernelId, FallbackTarget>,
    pub(crate) files: BTreeMap<PackPath, Digest>,
}

/// What serves when a kernel fails.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FallbackTarget {
    /// Another kernel of the pack.
    Kernel(KernelId),
    /// A native kernel of the runtime, written `builtin:<id>`.
    Builtin(KernelId),
    /// A kernel that the host named when it checked the manifest.
    Host(KernelId),
}

/// A kernel of a [`CheckedManifest`].
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedKernel {
    pub(crate) info: KernelInfo,
    pub(crate) id: KernelId,
    pub(crate) path: PackPath,
    pub(crate) digest: Digest,
    pub(crate) limits: Limits,
    pub(crate) signature: Signature,
    pub(crate) platforms: BTreeMap<String, Platform>,
    pub(crate) variants: Vec<Variant>,
    pub(crate) vectors: Vec<Vector>,
}

/// What a kernel's `path` needs of one engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Platform {
    /// The lowest version of the engine.
    pub min_version: Version,
    /// The features that the module needs.
    pub features: FeatureSet,
}

/// Another module with the same signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variant {
    /// Where it is in the pack.
    pub path: PackPath,
    /// Its digest.
    pub digest: Digest,
    /// The whole set of features that it needs.
    pub features: FeatureSet,
}

/// Inputs with the outputs that a kernel must give for them.
#[derive(Debug, Clone, PartialEq)]
pub struct Vector {
    /// The safetensors file.
    pub path: PackPath,
    /// Its digest.
    pub digest: Digest,
    /// The parameters that differ from their defaults, each of its declared type.
    pub params: BTreeMap<String, ParamValue>,
    /// How far the outputs may be off.
    pub tolerance: Tolerance,
}

impl FallbackTarget {
    /// The id, of a kernel of the pack or of the host's.
    #[must_use]
    pub const fn id(&self) -> &KernelId {
        match self {
            Self::Kernel(id) | Self::Builtin(id) | Self::Host(id) => id,
        }
    }
}

/// As the manifest writes it.
impl fmt::Display for FallbackTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kernel(id) | Self::Host(id) => write!(f, "{id}"),
            Self::Builtin(id) => write!(f, "builtin:{id}"),
        }
    }
}

impl CheckedManifest {
    /// The manifest as it was read.
    #[must_use]
    pub fn manifest(&self) -> &KernelManifest {
        &self.manifest
    }

    /// The pack's name.
    #[must_use]
    pub fn name(&self) -> &PackName {
        &self.name
    }

    /// The pack's own version.
    #[must_use]
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// The release's place in the order of releases; 0 where releases are not ordered.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.manifest.sequence
    }

    /// When the pack was made.
    #[must_use]
    pub fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// From when on the pack is refused.
    #[must_use]
    pub fn expires(&self) -> Option<Timestamp> {
        self.expires
    }

    /// The key that the author says he signs with. Never a source of trust.
    #[must_use]
    pub fn signing_key(&self) -> PublicKey {
        self.signing_key
    }

    /// The kernels, in the order of the manifest.
    #[must_use]
    pub fn kernels(&self) -> &[Arc<CheckedKernel>] {
        &self.kernels
    }

    /// The kernel with this id.
    #[must_use]
    pub fn kernel(&self, id: &str) -> Option<&Arc<CheckedKernel>> {
        self.kernels.iter().find(|kernel| kernel.id.as_str() == id)
    }

    /// What serves when the kernel with this id fails.
    #[must_use]
    pub fn fallback(&self, id: &str) -> Option<&FallbackTarget> {
        self.fallbacks.get(id)
    }

    /// Every file that the manifest names, with its digest: modules, variants and vectors.
    #[must_use]
    pub fn files(&self) -> &BTreeMap<PackPath, Digest> {
        &self.files
    }
}

impl CheckedKernel {
    /// The id, unique in the pack.
    #[must_use]
    pub fn id(&self) -> &KernelId {
        &self.id
    }

    /// The kernel as it was read.
    #[must_use]
    pub fn info(&self) -> &KernelInfo {
        &self.info
    }

    /// Where the module is in the pack.
    #[must_use]
    pub fn path(&self) -> &PackPath {
        &self.path
    }

    /// The module's digest.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The exported function to call.
    #[must_use]
    pub fn entry_point(&self) -> &str {
        &self.info.entry_point
    }

    /// The limits that bind the kernel, with the defaults filled in.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// What the kernel takes and gives.
    #[must_use]
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// What `path` needs, by engine name; empty for any engine and no feature.
    #[must_use]
    pub fn platforms(&self) -> &BTreeMap<String, Platform> {
        &self.platforms
    }

    /// The other modules, in the order in which they are preferred.
    #[must_use]
    pub fn variants(&self) -> &[Variant] {
        &self.variants
    }

    /// The inputs with expected outputs that the pack ships.
    #[must_use]
    pub fn vectors(&self) -> &[Vector] {
        &self.vectors
    }
}
