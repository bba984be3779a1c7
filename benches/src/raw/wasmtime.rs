use std::sync::Arc;

use anyhow::Result;
use kpack::{Backend, BackendError, FeatureSet, VettedModule};
use kpack_exec::{Instance, NextPass, Program, RunError};
use kpack_schema::MEMORY_EXPORT;
use semver::Version;
use wasmtime::{Config, Engine, Memory, Module, OptLevel, Store, TypedFunc};

use super::{Identity, TypedCall, failed};

const NAME: &str = "wasmtime";

/// wasmtime as kpack sets it up, without epochs.
pub(super) struct Unchecked(Identity);

impl Unchecked {
    pub(super) fn like(checked: &dyn Backend) -> Self {
        Self(Identity::of(checked))
    }
}

impl Backend for Unchecked {
    fn name(&self) -> &str {
        &self.0.name
    }

    fn version(&self) -> Version {
        self.0.version.clone()
    }

    fn offers(&self) -> FeatureSet {
        self.0.offers
    }

    fn compile(&self, module: &VettedModule) -> Result<Arc<dyn Program>, BackendError> {
        let stack_bytes = module.program_key().stack_bytes;
        // Features that the module does not use change nothing in its code: the defaults stay.
        let mut config = Config::new();
        config
            .max_wasm_stack(stack_bytes)
            .async_stack_size(stack_bytes.saturating_add(1 << 20))
            .epoch_interruption(false)
            .wasm_backtrace_max_frames(None)
            .cranelift_opt_level(OptLevel::Speed);
        let compiled = Engine::new(&config)
            .and_then(|engine| Module::from_binary(&engine, module.bytes()))
            .map_err(|source| failed(NAME, source))?;
        Ok(Arc::new(UncheckedProgram(compiled)))
    }
}

struct UncheckedProgram(Module);

impl Program for UncheckedProgram {
    fn instantiate(&self, module: &VettedModule) -> Result<Box<dyn Instance>, RunError> {
        let mut store = Store::new(self.0.engine(), ());
        let instance = wasmtime::Instance::new(&mut store, &self.0, &[])
            .map_err(|source| failed(NAME, source))?;
        let memory = instance
            .get_memory(&mut store, MEMORY_EXPORT)
            .expect("the static policy has found the export of the memory");
        let entry = instance
            .get_typed_func(&mut store, module.entry_point())
            .expect("the static policy has found the entry point and its type");
        Ok(Box::new(UncheckedInstance {
            store,
            memory,
            entry,
        }))
    }
}

struct UncheckedInstance {
    store: Store<()>,
    memory: Memory,
    entry: TypedFunc<u32, i32>,
}

impl Instance for UncheckedInstance {
    fn memory(&self) -> &[u8] {
        self.memory.data(&self.store)
    }

    fn memory_mut(&mut self) -> &mut [u8] {
        self.memory.data_mut(&mut self.store)
    }

    fn grow(&mut self, pages: u32) -> Result<(), RunError> {
        let grown = self.memory.grow(&mut self.store, u64::from(pages));
        grown.map_err(|_| BackendError::OutOfMemory { pages })?;
        Ok(())
    }

    fn call(&mut self, _: u64, next: &mut NextPass<'_>) -> Result<i32, RunError> {
        let mut status = 0;
        while status == 0
            && let Some(argument) = next(self.memory_mut())
        {
            let ended = self.entry.call(&mut self.store, argument);
            status = ended.map_err(|source| failed(NAME, source))?;
        }
        Ok(status)
    }
}

pub(super) fn typed_call(module: &[u8], entry_point: &str) -> Result<TypedCall> {
    let (mut store, entry) =
        typed_function(module, entry_point).map_err(|source| failed(NAME, source))?;
    Ok(Box::new(move || {
        entry.call(&mut store, 0).expect("the function returns")
    }))
}

fn typed_function(
    module: &[u8],
    entry_point: &str,
) -> wasmtime::Result<(Store<()>, TypedFunc<u32, i32>)> {
    let engine = Engine::default();
    let module = Module::from_binary(&engine, module)?;
    let mut store = Store::new(&engine, ());
    let instance = wasmtime::Instance::new(&mut store, &module, &[])?;
    let entry = instance.get_typed_func(&mut store, entry_point)?;
    Ok((store, entry))
}
