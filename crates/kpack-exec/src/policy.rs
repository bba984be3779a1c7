//! What a module may be, judged before any engine sees it.

mod caps;
mod error;
mod flow;
mod scan;
mod vetted;

use kpack_schema::FeatureSet;
use kpack_verify::{VerifiedKernel, VerifiedModule};

pub use caps::{CapKind, ModuleCaps};
pub use error::{PolicyError, PolicyErrorKind};
pub use vetted::{MemoryPages, ProgramKey, VettedKernel, VettedModule};

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

    /// Vets every module of a kernel with every feature set that the manifest declares for it.
    ///
    /// This is the part of loading a kernel that no engine takes part in.
    ///
    /// # Errors
    ///
    /// The first rule that one of the modules breaks.
    pub fn vet(&self, kernel: &VerifiedKernel) -> Result<VettedKernel, PolicyError> {
        let of_path = features_of_path(kernel)
            .into_iter()
            .map(|features| self.vet_module(kernel, kernel.module(), features))
            .collect::<Result<_, _>>()?;
        let declared = kernel.checked().variants().iter();
        let variants = kernel.variants().iter().zip(declared);
        let variants = variants
            .map(|(module, variant)| self.vet_module(kernel, module, variant.features))
            .collect::<Result<_, _>>()?;
        Ok(VettedKernel::new(kernel.clone(), of_path, variants))
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
        Ok(VettedModule::new(module.clone(), checked, features, memory))
    }
}

/// Each set of features that `path` has to be valid with, on one engine or another.
fn features_of_path(kernel: &VerifiedKernel) -> Vec<FeatureSet> {
    let platforms = kernel.checked().platforms();
    if platforms.is_empty() {
        return vec![FeatureSet::EMPTY];
    }
    let mut sets: Vec<FeatureSet> = platforms
        .values()
        .map(|platform| platform.features)
        .collect();
    sets.sort_unstable();
    sets.dedup();
    sets
}
