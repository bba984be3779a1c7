use anyhow::Result;
use kpack_exec::{
    Backend, BackendError, CallError, CompileError, CompiledKernel, StaticPolicy, VettedKernel,
    Wasmer, Wasmtime,
};
use kpack_schema::{Feature, ResourceLimits};
use serde_json::json;

use crate::signer::Signer;

/// A host with both engines, which takes modules from strangers.
pub struct Host {
    signer: Signer,
    policy: StaticPolicy,
    engines: [Box<dyn Backend>; 2],
}

/// What became of a module.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// The static policy refused it, with an error of this kind.
    Refused(&'static str),
    /// An engine refused it, after the policy had passed it.
    NotCompiled,
    /// It was called on each engine: how the last call ended.
    Called(&'static str),
}

impl Host {
    /// Sets the engines up.
    ///
    /// # Errors
    ///
    /// When this machine cannot run one of them.
    pub fn new() -> Result<Self> {
        Ok(Self {
            signer: Signer::new(),
            policy: StaticPolicy::default(),
            engines: [Box::new(Wasmtime::new()?), Box::new(Wasmer::new()?)],
        })
    }

    /// Signs a kernel of this module, as its author would, and judges it.
    ///
    /// # Errors
    ///
    /// The kind of the static policy's refusal.
    ///
    /// # Panics
    ///
    /// When a pack that is signed as it should be is not trusted.
    pub fn vet(
        &self,
        wasm: &[u8],
        features: &[Feature],
        limits: &ResourceLimits,
    ) -> Result<VettedKernel, &'static str> {
        let names: Vec<&str> = features.iter().map(|feature| feature.name()).collect();
        let platform = json!({"min_version": "0.0.1", "features": names});
        let changes = json!({
            "platforms": {"wasmtime": platform, "wasmer": platform},
            "resource_limits": limits,
        });
        let verified = self.signer.verified(wasm, &changes);
        let verified = verified.expect("a signed pack is trusted, whatever its module is");
        self.policy.vet(&verified).map_err(|error| {
            crate::targets::expect_showable(&error);
            error.kind()
        })
    }

    /// Compiles a kernel and calls it twice, on each engine.
    ///
    /// # Panics
    ///
    /// When an engine or the host fails where no module can be to blame.
    #[must_use]
    pub fn call(&self, kernel: &VettedKernel) -> Fate {
        let mut fate = Fate::NotCompiled;
        for engine in &self.engines {
            match CompiledKernel::compile(engine.as_ref(), kernel) {
                Ok(compiled) => fate = Fate::Called(call_twice(&compiled)),
                Err(CompileError::Backend(BackendError::Compile { .. })) => {}
                Err(error) => panic!("{}: {error:?}", engine.name()),
            }
        }
        fate
    }
}

/// How the second call ended, or what came before it.
fn call_twice(kernel: &CompiledKernel) -> &'static str {
    let mut bound = match kernel.bind(&[("n", 16)], &[]) {
        Ok(bound) => bound,
        Err(error) => return of_kernel(kernel, &error),
    };
    let mut ended = "ok";
    for value in [0.5_f32, -3.0] {
        let result = bound.input_mut::<f32>("x").map(|x| x.fill(value));
        let result = result.and_then(|()| bound.run());
        ended = match result {
            Ok(()) => {
                let output = bound.output::<f32>("y").map(<[f32]>::len);
                assert_eq!(output.expect("a call that ended well has a result"), 16);
                "ok"
            }
            Err(error) => {
                assert!(
                    bound.output::<f32>("y").is_err(),
                    "no partial result is shown"
                );
                of_kernel(kernel, &error)
            }
        };
    }
    ended
}

/// The kind of an error that a module may cause.
fn of_kernel(kernel: &CompiledKernel, error: &CallError) -> &'static str {
    match error {
        CallError::Fault(_) | CallError::Rejected { .. } => error.kind(),
        _ => panic!("the host failed on {}: {error:?}", kernel.engine()),
    }
}
