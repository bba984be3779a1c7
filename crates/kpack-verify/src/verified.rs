use std::fmt;
use std::sync::Arc;

use kpack_schema::{
    CheckedKernel, CheckedManifest, Digest, FeatureSet, PackName, PackPath, Vector,
};

use crate::KeyId;
use crate::files::{MatchedFile, MatchedFiles};

/// A pack whose exact bytes a trusted key signed. Only [`Trust::verify`](crate::Trust::verify)
/// makes one.
#[derive(Debug, Clone)]
pub struct VerifiedPack {
    manifest: CheckedManifest,
    manifest_digest: Digest,
    signers: Vec<KeyId>,
    kernels: Vec<VerifiedKernel>,
}

/// A kernel of a verified pack: what may be compiled. Cheap to clone.
///
/// Raw bytes are not a verified kernel, and nothing turns them into one:
///
/// ```compile_fail,E0308
/// # fn compile(_: &kpack_verify::VerifiedKernel) {}
/// let bytes = b"\0asm\x01\0\0\0".to_vec();
/// compile(&bytes);
/// ```
///
/// ```compile_fail,E0451
/// let kernel = kpack_verify::VerifiedKernel { inner: todo!() };
/// ```
///
/// ```compile_fail,E0277
/// let kernel = kpack_verify::VerifiedKernel::from(b"\0asm\x01\0\0\0".to_vec());
/// ```
///
/// The same harness does compile where a verified kernel is given:
///
/// ```
/// # fn compile(_: &kpack_verify::VerifiedKernel) {}
/// fn all(pack: &kpack_verify::VerifiedPack) {
///     pack.kernels().for_each(compile);
/// }
/// ```
#[derive(Debug, Clone)]
pub struct VerifiedKernel {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    pack: PackName,
    checked: Arc<CheckedKernel>,
    module: VerifiedModule,
    variants: Vec<VerifiedModule>,
    vectors: Vec<VerifiedVector>,
}

/// A wasm module whose bytes have the digest that the signed manifest declares.
#[derive(Clone)]
pub struct VerifiedModule {
    path: PackPath,
    file: MatchedFile,
    features: Option<FeatureSet>,
}

/// A test vector whose bytes have the digest that the signed manifest declares.
#[derive(Clone)]
pub struct VerifiedVector {
    declared: Vector,
    file: MatchedFile,
}

impl VerifiedPack {
    /// Every kernel of `manifest` with its files, in manifest order. Called by `Trust::verify`
    /// alone, after its last check.
    pub(crate) fn assemble(
        manifest: CheckedManifest,
        manifest_digest: Digest,
        signers: Vec<KeyId>,
        files: &MatchedFiles,
    ) -> Self {
        let kernel = |checked| VerifiedKernel::assemble(manifest.name(), checked, files);
        let kernels = manifest.kernels().iter().map(kernel).collect();
        Self {
            manifest,
            manifest_digest,
            signers,
            kernels,
        }
    }

    /// The manifest that was signed.
    #[must_use]
    pub const fn manifest(&self) -> &CheckedManifest {
        &self.manifest
    }

    /// The digest of the signed bytes of `kernels.json`.
    #[must_use]
    pub const fn manifest_digest(&self) -> Digest {
        self.manifest_digest
    }

    /// The trusted keys that signed and may sign for this pack name, sorted.
    #[must_use]
    pub fn signers(&self) -> &[KeyId] {
        &self.signers
    }

    /// All kernels, in manifest order.
    pub fn kernels(&self) -> impl ExactSizeIterator<Item = &VerifiedKernel> {
        self.kernels.iter()
    }

    /// The kernel with this id.
    #[must_use]
    pub fn kernel(&self, id: &str) -> Option<&VerifiedKernel> {
        self.kernels
            .iter()
            .find(|kernel| kernel.checked().id().as_str() == id)
    }
}

impl VerifiedKernel {
    fn assemble(pack: &PackName, checked: &Arc<CheckedKernel>, files: &MatchedFiles) -> Self {
        let variants = checked.variants().iter().map(|variant| VerifiedModule {
            path: variant.path.clone(),
            file: files.declared(&variant.path).clone(),
            features: Some(variant.features),
        });
        let vectors = checked.vectors().iter().map(|vector| VerifiedVector {
            declared: vector.clone(),
            file: files.declared(&vector.path).clone(),
        });
        let inner = Inner {
            pack: pack.clone(),
            checked: Arc::clone(checked),
            module: VerifiedModule {
                path: checked.path().clone(),
                file: files.declared(checked.path()).clone(),
                features: None,
            },
            variants: variants.collect(),
            vectors: vectors.collect(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// The name of the pack it came in.
    #[must_use]
    pub fn pack(&self) -> &PackName {
        &self.inner.pack
    }

    /// What the manifest says of it.
    #[must_use]
    pub fn checked(&self) -> &Arc<CheckedKernel> {
        &self.inner.checked
    }

    /// The module at `path`, which every listed engine can run.
    #[must_use]
    pub fn module(&self) -> &VerifiedModule {
        &self.inner.module
    }

    /// The other modules with the same signature, in list order: the first whose features the
    /// engine offers is preferred to [`module`](Self::module).
    #[must_use]
    pub fn variants(&self) -> &[VerifiedModule] {
        &self.inner.variants
    }

    /// The kernel's test vectors.
    #[must_use]
    pub fn vectors(&self) -> &[VerifiedVector] {
        &self.inner.vectors
    }
}

impl VerifiedModule {
    /// The bytes that were hashed.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.file.bytes
    }

    /// The digest of the bytes.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.file.digest
    }

    /// The file's path in the pack.
    #[must_use]
    pub const fn path(&self) -> &PackPath {
        &self.path
    }

    /// A variant's whole set of features; `None` for the kernel's own `path`, whose features
    /// depend on the engine and stand in the manifest's `platforms`.
    #[must_use]
    pub const fn features(&self) -> Option<FeatureSet> {
        self.features
    }
}

impl VerifiedVector {
    /// What the manifest says of it.
    #[must_use]
    pub const fn declared(&self) -> &Vector {
        &self.declared
    }

    /// The safetensors bytes that were hashed.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.file.bytes
    }
}

impl fmt::Debug for VerifiedModule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedModule")
            .field("path", &self.path)
            .field("digest", &self.file.digest)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for VerifiedVector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedVector")
            .field("path", &self.declared.path)
            .field("digest", &self.file.digest)
            .finish_non_exhaustive()
    }
}
