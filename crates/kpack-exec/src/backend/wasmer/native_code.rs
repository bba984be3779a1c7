#![expect(
    unsafe_code,
    reason = "the engine trusts the machine code that it is given to load"
)]

use kpack_verify::{CodeOrigin, ProvenCode};
use wasmer::sys::Target;
use wasmer::{Engine, Module};

use super::{NAME, VERSION};
use crate::backend::BackendError;
use crate::policy::VettedModule;

/// Rises with every change of what the guards compile into a module.
const GUARDS: u32 = 1;

/// The module, the engine's version and target, and what the guards compile in.
pub(super) fn origin(module: &VettedModule) -> CodeOrigin {
    origin_on(&Target::default(), module)
}

fn origin_on(target: &Target, module: &VettedModule) -> CodeOrigin {
    let (triple, processor) = (target.triple(), target.cpu_features());
    let key = module.program_key();
    CodeOrigin {
        module: module.digest(),
        engine: NAME.into(),
        settings: format!(
            "{VERSION}; {}; guards {GUARDS}, table {}; {triple}; {processor:?}",
            key.features, key.table_elements
        ),
    }
}

/// The module from code that this engine stored.
pub(super) fn load(
    engine: &Engine,
    module: &VettedModule,
    code: &ProvenCode,
) -> Result<Module, BackendError> {
    if *code.origin() != origin(module) {
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
    use wasmer::sys::CpuFeature;

    use super::*;
    use crate::policy::StaticPolicy;
    use crate::support::{module, verified};

    #[test]
    fn another_processor_target_or_setting_is_another_origin() {
        let with_table = |elements: u32| {
            let limits = json!({"resource_limits": {"max_table_elements": elements}});
            let kernel = verified(&module("(i32.const 0)"), limits);
            let vetted = StaticPolicy::default().vet(&kernel).unwrap();
            vetted.modules().next().unwrap().clone()
        };
        let module = with_table(16);
        let here = origin(&module);
        assert_eq!(here, origin(&with_table(16)));
        let target = Target::default();
        let processor = Target::new(target.triple().clone(), CpuFeature::AVX2.into());
        let elsewhere = "riscv64gc-unknown-linux-gnu".parse().unwrap();
        let elsewhere = Target::new(elsewhere, *target.cpu_features());
        let others = [
            origin_on(&processor, &module),
            origin_on(&elsewhere, &module),
            origin(&with_table(17)),
        ];
        for other in others {
            assert_ne!(here.id(), other.id());
        }
    }
}
