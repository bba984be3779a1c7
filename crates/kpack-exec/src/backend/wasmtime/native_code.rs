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

#[cfg(test)]
mod tests {
    use serde_json::json;
    use wasmtime::{Config, OptLevel};

    use super::super::engines::config;
    use super::*;
    use crate::policy::StaticPolicy;
    use crate::support::{module, verified};

    #[test]
    fn another_processor_target_or_setting_is_another_origin() {
        let kernel = verified(&module("(i32.const 0)"), json!({}));
        let vetted = StaticPolicy::default().vet(&kernel).unwrap();
        let module = vetted.modules().next().unwrap();
        let origin_with = |change: &dyn Fn(&mut Config)| {
            let mut config = config(module.features(), module.limits().stack_bytes);
            change(&mut config);
            origin(&Engine::new(&config).unwrap(), module)
        };
        let here = origin_with(&|_| {});
        assert_eq!(here, origin_with(&|_| {}));
        let target = |system| format!("{}-unknown-{system}", std::env::consts::ARCH);
        let others = [
            // For a target that is named, the engine does not look at what this processor has.
            origin_with(&|config| _ = config.target(&target("linux-gnu")).unwrap()),
            origin_with(&|config| _ = config.target(&target("freebsd")).unwrap()),
            origin_with(&|config| _ = config.cranelift_opt_level(OptLevel::None)),
            origin_with(&|config| _ = config.epoch_interruption(false)),
        ];
        for (at, other) in others.iter().enumerate() {
            assert_ne!(here.id(), other.id(), "{at}");
            for next in &others[at + 1..] {
                assert_ne!(other.id(), next.id(), "{at}");
            }
        }
    }
}
