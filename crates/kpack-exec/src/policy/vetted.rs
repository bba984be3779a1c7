use std::sync::Arc;

use kpack_schema::{CheckedKernel, Digest, FeatureSet, Limits, PackPath};
use kpack_verify::{VerifiedKernel, VerifiedModule};

use crate::select::{ModuleChoice, Selection};

/// A kernel whose every module the static policy has passed: what can be compiled. Cheap to clone.
///
/// Only [`StaticPolicy::vet`](crate::StaticPolicy::vet) makes one, from a [`VerifiedKernel`].
#[derive(Debug, Clone)]
pub struct VettedKernel {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    verified: VerifiedKernel,
    /// The module at `path`, once for each set of features that an engine may have to run it with.
    of_path: Vec<VettedModule>,
    variants: Vec<VettedModule>,
}

impl VettedKernel {
    pub(super) fn new(
        verified: VerifiedKernel,
        of_path: Vec<VettedModule>,
        variants: Vec<VettedModule>,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                verified,
                of_path,
                variants,
            }),
        }
    }

    /// The kernel as it was verified.
    #[must_use]
    pub fn verified(&self) -> &VerifiedKernel {
        &self.inner.verified
    }

    /// Every module with every set of features that the manifest declares for it: first the one at
    /// `path`, then the variants in list order.
    pub fn modules(&self) -> impl Iterator<Item = &VettedModule> {
        self.inner.of_path.iter().chain(&self.inner.variants)
    }

    /// The module of a selection that was made for this kernel.
    pub(crate) fn selected(&self, selection: Selection) -> &VettedModule {
        let module = match selection.module {
            ModuleChoice::Path => {
                let mut of_path = self.inner.of_path.iter();
                of_path.find(|module| module.features == selection.features)
            }
            ModuleChoice::Variant(index) => self.inner.variants.get(index),
        };
        module.expect("every module that may be selected was vetted")
    }
}

/// A module that a trusted key has signed and that the static policy has passed, for one kernel.
///
/// It is what engines compile, and it stands only in a [`VettedKernel`]: bytes from elsewhere cannot
/// reach an engine.
///
/// ```compile_fail,E0308
/// # fn example(engine: &dyn kpack_exec::Backend) {
/// let bytes = b"\0asm\x01\0\0\0".to_vec();
/// engine.compile(&bytes);
/// # }
/// ```
///
/// ```compile_fail,E0451
/// # fn example(module: &kpack_exec::VettedModule) {
/// let changed = kpack_exec::VettedModule { entry_point: "other".into(), ..module.clone() };
/// # }
/// ```
///
/// The first of these does compile where a vetted module is given:
///
/// ```
/// # fn example(engine: &dyn kpack_exec::Backend, module: &kpack_exec::VettedModule) {
/// engine.compile(module);
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct VettedModule {
    module: VerifiedModule,
    entry_point: String,
    features: FeatureSet,
    limits: Limits,
    memory: MemoryPages,
}

/// The pages of 64 KiB that a module declares for its memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryPages {
    /// What the memory starts with.
    pub minimum: u32,
    /// What the module itself lets it grow to.
    pub maximum: Option<u32>,
}

/// Everything that a program depends on: modules that agree in it may share one.
///
/// The entry point and the other limits are not part of it; they bind an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct ProgramKey {
    /// The digest of the module's bytes.
    pub digest: Digest,
    /// The features that are on.
    pub features: FeatureSet,
    /// The stack limit in bytes.
    pub stack_bytes: usize,
    /// The limit of the elements of all tables together.
    pub table_elements: u32,
}

impl VettedModule {
    pub(super) fn new(
        module: VerifiedModule,
        kernel: &CheckedKernel,
        features: FeatureSet,
        memory: MemoryPages,
    ) -> Self {
        Self {
            module,
            entry_point: kernel.entry_point().into(),
            features,
            limits: kernel.limits(),
            memory,
        }
    }

    /// The module in the binary format, the bytes whose digest was verified.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.module.bytes()
    }

    /// The digest of [`bytes`](Self::bytes), as in the manifest.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.module.digest()
    }

    /// Where the module stands in its pack.
    #[must_use]
    pub fn path(&self) -> &PackPath {
        self.module.path()
    }

    /// The exported function of type `(i32) -> i32` that a call calls.
    #[must_use]
    pub fn entry_point(&self) -> &str {
        &self.entry_point
    }

    /// The features the module was validated with; an engine has every other proposal off.
    #[must_use]
    pub const fn features(&self) -> FeatureSet {
        self.features
    }

    /// The limits that an engine has to keep.
    #[must_use]
    pub const fn limits(&self) -> Limits {
        self.limits
    }

    /// What the module declares for its memory.
    #[must_use]
    pub const fn memory(&self) -> MemoryPages {
        self.memory
    }

    /// What a program that is compiled from the module depends on.
    #[must_use]
    pub fn program_key(&self) -> ProgramKey {
        ProgramKey {
            digest: self.digest(),
            features: self.features,
            stack_bytes: self.limits.stack_bytes,
            table_elements: self.limits.table_elements,
        }
    }
}
