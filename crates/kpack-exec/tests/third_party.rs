//! A backend from outside the crate, and what a caller sees of one that breaks its contract.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod support;

use std::sync::Arc;

use kpack_exec::{
    Backend, BackendError, Blame, CallError, Fault, Instance, NextPass, Program, RunError,
    VettedModule,
};
use kpack_schema::{FeatureSet, KernelDescriptor};
use semver::Version;
use serde_json::json;

const PAGE: usize = 65_536;

/// How the engine behaves.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    Proper,
    NeverGrows,
    StartsTooSmall,
    Fails,
    CallsNothing,
}

/// An "engine" whose every kernel copies its first input to its output.
struct Copier(Manner);

struct CopyProgram(Manner, usize);

struct CopyInstance(Manner, Vec<u8>);

impl Backend for Copier {
    fn name(&self) -> &str {
        "copier"
    }

    fn version(&self) -> Version {
        Version::new(1, 0, 0)
    }

    fn offers(&self) -> FeatureSet {
        FeatureSet::EMPTY
    }

    fn compile(&self, module: &VettedModule) -> Result<Arc<dyn Program>, BackendError> {
        assert_eq!(module.bytes()[..4], *b"\0asm");
        assert_eq!(
            (module.entry_point(), module.features()),
            ("run", FeatureSet::EMPTY)
        );
        assert_eq!(module.limits().memory_pages, 4);
        let pages = usize::try_from(module.memory().minimum).unwrap();
        Ok(Arc::new(CopyProgram(self.0, pages)))
    }
}

impl Program for CopyProgram {
    fn instantiate(&self, _: &VettedModule) -> Result<Box<dyn Instance>, RunError> {
        let pages = if self.0 == Manner::StartsTooSmall {
            0
        } else {
            self.1
        };
        Ok(Box::new(CopyInstance(self.0, vec![0; pages * PAGE])))
    }
}

impl Instance for CopyInstance {
    fn memory(&self) -> &[u8] {
        &self.1
    }

    fn memory_mut(&mut self) -> &mut [u8] {
        &mut self.1
    }

    fn grow(&mut self, pages: u32) -> Result<(), RunError> {
        if self.0 != Manner::NeverGrows {
            let pages = usize::try_from(pages).unwrap();
            self.1.resize(self.1.len() + pages * PAGE, 0);
        }
        Ok(())
    }

    fn call(&mut self, ticks: u64, next: &mut NextPass<'_>) -> Result<i32, RunError> {
        assert_eq!(ticks, 500);
        if self.0 == Manner::Fails {
            let source = "out of steam".into();
            return Err(BackendError::Call {
                engine: "copier".into(),
                source,
            }
            .into());
        }
        if self.0 == Manner::CallsNothing {
            return Ok(0);
        }
        while let Some(argument) = next(&mut self.1) {
            let at = usize::try_from(argument).unwrap();
            let descriptor = KernelDescriptor::from_bytes(self.1[at..at + 40].try_into().unwrap());
            let from = usize::try_from(descriptor.input_a_offset).unwrap();
            let size = usize::try_from(descriptor.input_a_size).unwrap();
            let to = usize::try_from(descriptor.output_offset).unwrap();
            if self.1[from] == 0xff {
                return Err(Fault::Unreachable.into());
            }
            self.1.copy_within(from..from + size, to);
        }
        Ok(0)
    }
}

fn run(manner: Manner, first: u8) -> Result<Vec<u8>, CallError> {
    let kernel = support::verified(&support::module("i32.const 6"), json!({}));
    let kernel = support::compile(&Copier(manner), &kernel);
    assert_eq!(kernel.engine(), "copier");
    let mut bound = kernel.bind(&[("n", 1)], &[])?;
    bound
        .input_bytes_mut("x")?
        .copy_from_slice(&[first, 2, 3, 4]);
    bound.run()?;
    Ok(bound.output_bytes("y")?.to_vec())
}

#[test]
fn a_backend_from_outside_serves_calls() {
    assert_eq!(run(Manner::Proper, 1).unwrap(), [1, 2, 3, 4]);
    assert_eq!(
        run(Manner::Proper, 0xff).unwrap_err().fault(),
        Some(&Fault::Unreachable)
    );
}

#[test]
fn a_broken_contract_or_a_failing_engine_is_the_hosts_fault() {
    for (manner, kind) in [
        (Manner::NeverGrows, "engine_contract"),
        (Manner::StartsTooSmall, "engine_contract"),
        (Manner::Fails, "engine_call"),
        (Manner::CallsNothing, "engine_contract"),
    ] {
        let error = run(manner, 1).unwrap_err();
        assert_eq!((error.kind(), error.blame()), (kind, Blame::Host));
        assert_eq!(
            error.fault(),
            None,
            "no fallback for the host's own failure"
        );
    }
}
