#![expect(
    unsafe_code,
    reason = "the engine shows a memory as a slice, and lets a store change threads, in no safe way"
)]

use std::sync::Arc;

use anyhow::Result;
use kpack::{Backend, BackendError, FeatureSet, VettedModule};
use kpack_exec::{Instance, NextPass, Program, RunError};
use kpack_schema::{Feature, MEMORY_EXPORT};
use semver::Version;
use wasmer::sys::{Cranelift, EngineBuilder, Features};
use wasmer::{Memory, Module, Store, TypedFunction};

use super::{Identity, TypedCall, failed};

const NAME: &str = "wasmer";

/// wasmer as kpack sets it up, without guards.
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
        let engine = engine(module.features());
        let compiled = Module::from_binary(&engine, module.bytes());
        Ok(Arc::new(UncheckedProgram {
            module: compiled.map_err(|source| failed(NAME, source))?,
            engine,
        }))
    }
}

fn engine(features: FeatureSet) -> wasmer::Engine {
    let features = Features {
        multi_value: true,
        bulk_memory: features.contains(Feature::BulkMemory),
        simd: features.contains(Feature::Simd),
        ..Features::none()
    };
    EngineBuilder::new(Cranelift::new())
        .set_features(Some(features))
        .engine()
        .into()
}

struct UncheckedProgram {
    module: Module,
    engine: wasmer::Engine,
}

impl Program for UncheckedProgram {
    fn instantiate(&self, module: &VettedModule) -> Result<Box<dyn Instance>, RunError> {
        let mut store = Store::new(self.engine.clone());
        let instance = wasmer::Instance::new(&mut store, &self.module, &wasmer::imports! {})
            .map_err(|source| failed(NAME, source))?;
        let memory = instance
            .exports
            .get_memory(MEMORY_EXPORT)
            .expect("the static policy has found the export of the memory")
            .clone();
        let entry = instance
            .exports
            .get_typed_function(&store, module.entry_point())
            .expect("the static policy has found the entry point and its type");
        Ok(Box::new(UncheckedInstance {
            store,
            memory,
            entry,
        }))
    }
}

struct UncheckedInstance {
    store: Store,
    memory: Memory,
    entry: TypedFunction<u32, i32>,
}

// SAFETY: the store holds no host function, host object or call-back, which are what keeps it from
// being `Send`; its one instance moves with it, and a call borrows it mutably from beginning to end.
unsafe impl Send for UncheckedInstance {}

impl Instance for UncheckedInstance {
    fn memory(&self) -> &[u8] {
        let view = self.memory.view(&self.store);
        let (start, length) = (view.data_ptr(), byte_len(&view));
        // SAFETY: the bytes stay mapped while the store lives and the memory does not grow. Growing
        // it and running code borrow the store mutably, which the borrow of `self` rules out.
        unsafe { std::slice::from_raw_parts(start, length) }
    }

    fn memory_mut(&mut self) -> &mut [u8] {
        let view = self.memory.view(&self.store);
        let (start, length) = (view.data_ptr(), byte_len(&view));
        // SAFETY: as above, and the mutable borrow of `self` rules out every other slice.
        unsafe { std::slice::from_raw_parts_mut(start, length) }
    }

    fn grow(&mut self, pages: u32) -> Result<(), RunError> {
        let grown = self.memory.grow(&mut self.store, pages);
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

fn byte_len(view: &wasmer::MemoryView<'_>) -> usize {
    usize::try_from(view.data_size()).expect("a memory is not larger than the address space")
}

pub(super) fn typed_call(module: &[u8], entry_point: &str) -> Result<TypedCall> {
    let mut store = Store::new(engine(FeatureSet::EMPTY));
    let module = Module::from_binary(store.engine(), module)?;
    let instance = wasmer::Instance::new(&mut store, &module, &wasmer::imports! {})?;
    let entry: TypedFunction<u32, i32> =
        instance.exports.get_typed_function(&store, entry_point)?;
    Ok(Box::new(move || {
        entry.call(&mut store, 0).expect("the function returns")
    }))
}
