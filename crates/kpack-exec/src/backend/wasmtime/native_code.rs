#![expect(
    unsafe_code,
    reason = "the engine trusts the machine code that it is given to load"
)]

use std::hash::{DefaultHasher, Hash, Hasher};

use kpack_verify::{CodeOrigin, ProvenCode};
use wasmtime::{Engine, Module};

use super::{NAME, VERSION};
use crate::backend::BackendError;
use crate::policy::VettedModule;

/// The module, and the engine's own account of its version, compiler settings and target.
pub(super) fn origin(engine: &Engine, module: &VettedModule) -> CodeOrigin {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    let features = module.features();
    CodeOrigin {
        module: module.digest(),
        engine: NAME.into(),
        settings: format!("{VERSION}; {features}; {:016x}", hasher.finish()),
    }
}

/// The module from code that this engine stored.
pub(super) fn load(
    engine: &Engine,
    module: &VettedModule,
    code: &ProvenCode,
) -> Result<Module, BackendError> {
    if *code.origin() != origin(engine, module) {
        return Err(BackendError::other_origin());
    }
    // SAFETY: the engine asks for bytes that its own `Module::serialize` gave. The proof says so: its
    // tag was made with a secret of this host's owner, by the one place that seals what
    // `Program::native_code` returned, for this engine, these settings and this module.
    let loaded = unsafe { Module::deserialize(engine, code.bytes()) };
    loaded.map_err(|source| BackendError::Load {
        module: module.path().to_string(),
        source: source.into(),
    })
}
