//! What a module may be, judged before any engine sees it.

mod caps;
mod error;
mod scan;

use kpack_schema::{Digest, FeatureSet, Limits, PackPath};
use kpack_verify::{VerifiedKernel, VerifiedModule};

pub use caps::{CapKind, ModuleCaps};
pub use error::{PolicyError, PolicyErrorKind};

use crate::select::{ModuleChoice, Selection};

/// The rules that a module has to keep before it may reach an engine. The same for every engine.
///
/// A module must be a core WebAssembly module in the binary format that is valid with exactly the
/// features it declares. It imports nothing and has no start function. It exports one `memory` and
/// the entry point `(i32) -> i32`, starts within its kernel's limits, and is within [`ModuleCaps`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StaticPolicy {
    caps: ModuleCaps,
}

impl StaticPolicy {
    /// The policy with caps other than the default ones.
    #[must_use]
    pub const fn with_caps(caps: ModuleCaps) -> Self {
        Self { caps }
    }

    /// Vets the one module of a kernel that was selected for an engine.
    ///
    /// # Errors
    ///
    /// The first rule that the module breaks.
    ///
    /// # Panics
    ///
    /// If the selection names a variant that the kernel does not have: it was made for another.
    pub fn vet(
        &self,
        kernel: &VerifiedKernel,
        selection: Selection,
    ) -> Result<VettedModule, PolicyError> {
        let module = match selection.module {
            ModuleChoice::Path => kernel.module(),
            ModuleChoice::Variant(index) => &kernel.variants()[index],
        };
        self.vet_module(kernel, module, selection.features)
    }

    /// Vets every module of a kernel with every feature set that the manifest declares for it.
    ///
    /// This is the part of loading a kernel that no engine takes part in.
    ///
    /// # Errors
    ///
    /// The first rule that one of the modules breaks.
    pub fn vet_all(&self, kernel: &VerifiedKernel) -> Result<Vec<VettedModule>, PolicyError> {
        let checked = kernel.checked();
        let mut of_path: Vec<FeatureSet> = checked
            .platforms()
            .values()
            .map(|platform| platform.features)
            .collect();
        if of_path.is_empty() {
            of_path.push(FeatureSet::EMPTY);
        }
        of_path.sort_unstable();
        of_path.dedup();
        let path = of_path
            .into_iter()
            .map(|features| (kernel.module(), features));
        let variants = kernel.variants().iter().zip(checked.variants());
        path.chain(variants.map(|(module, variant)| (module, variant.features)))
            .map(|(module, features)| self.vet_module(kernel, module, features))
            .collect()
    }

    fn vet_module(
        &self,
        kernel: &VerifiedKernel,
        module: &VerifiedModule,
        features: FeatureSet,
    ) -> Result<VettedModule, PolicyError> {
        let checked = kernel.checked();
        let rules = scan::Rules {
            caps: &self.caps,
            limits: checked.limits(),
            features,
            entry_point: checked.entry_point(),
        };
        let memory = scan::scan(module.bytes(), &rules)
            .map_err(|kind| PolicyError::new(module.path().clone(), kind))?;
        Ok(VettedModule {
            module: module.clone(),
            entry_point: checked.entry_point().into(),
            features,
            limits: checked.limits(),
            memory,
        })
    }
}

/// A module that a trusted key has signed and that the static policy has passed.
///
/// It is what engines compile, and only [`StaticPolicy`] makes it, from a [`VerifiedKernel`]: bytes
/// from elsewhere cannot reach an engine.
///
/// ```compile_fail
/// # fn example(engine: &dyn kpack_exec::Backend) {
/// let bytes = b"\0asm\x01\0\0\0".to_vec();
/// engine.compile(&bytes);
/// # }
/// ```
///
/// ```compile_fail
/// let module = kpack_exec::VettedModule { bytes: b"\0asm\x01\0\0\0".to_vec() };
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

impl VettedModule {
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
}
