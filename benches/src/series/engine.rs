//! kpack on an engine: the bound call, and those that copy.

use std::num::NonZeroU32;

use anyhow::{Context, Result};
use kpack::{
    CallError, Caller, CallerOptions, DataType, Dispatcher, Element, Kernel, Pack, Runtime, Slot,
    reference_pack,
};
use kpack_schema::tensor_byte_len;

use super::{Ready, Series};
use crate::workload::Workload;

/// The reference pack on one engine; its calls are bound ones.
#[derive(Debug)]
pub struct Engine {
    name: String,
    pack: Pack,
}

impl Engine {
    /// Loads the reference pack.
    ///
    /// # Errors
    ///
    /// When the engine does not take it.
    pub fn new(name: &str, runtime: &Runtime) -> Result<Self> {
        let pack = reference_pack::load(runtime)
            .with_context(|| format!("cannot load the reference pack on: `{name}`"))?;
        Ok(Self {
            name: name.to_owned(),
            pack,
        })
    }
}

impl Series for Engine {
    fn name(&self) -> &str {
        &self.name
    }

    fn prepare<'a>(&self, workload: &'a Workload) -> Result<Option<Ready<'a>>> {
        let mut bound = workload.bind(&self.pack.kernel(workload.kernel)?)?;
        bound.run()?;
        Ok(Some(Box::new(move || {
            bound.run().expect("the same call has just succeeded");
        })))
    }
}

/// Calls by a [`BoundDispatch`](kpack::BoundDispatch) whose inputs are all kept: what a bound call does, and
/// what it takes to fall back, count and measure beside it.
#[derive(Debug, Clone, Copy)]
pub struct ByDispatch<'e>(pub &'e Engine);

impl Series for ByDispatch<'_> {
    fn name(&self) -> &'static str {
        "dispatch"
    }

    fn prepare<'a>(&self, workload: &'a Workload) -> Result<Option<Ready<'a>>> {
        let dispatch = Dispatcher::new(&self.0.pack).kernel(workload.kernel)?;
        let inputs = workload.inputs.iter();
        let shapes: Vec<(&str, &[usize])> = inputs
            .map(|(name, tensor)| (*name, tensor.shape()))
            .collect();
        let mut bound = dispatch.bind_shapes(&shapes, &workload.params)?;
        for (name, tensor) in &workload.inputs {
            bound.keep(name, tensor)?;
        }
        bound.run(|_| Ok(()))?;
        Ok(Some(Box::new(move || {
            let report = bound
                .run(|_| Ok(()))
                .expect("the same call has just succeeded");
            assert!(!report.is_fallback(), "a fallback is another call");
        })))
    }
}

/// Calls by a [`SlotKernel`](kpack::SlotKernel) whose inputs are all kept: what dispatch does, and a look
/// whether another pack has come.
#[derive(Debug, Clone, Copy)]
pub struct BySlot<'s>(pub &'s Slot);

impl Series for BySlot<'_> {
    fn name(&self) -> &'static str {
        "slot"
    }

    fn prepare<'a>(&self, workload: &'a Workload) -> Result<Option<Ready<'a>>> {
        let inputs = workload.inputs.iter();
        let shapes: Vec<(&str, &[usize])> = inputs
            .map(|(name, tensor)| (*name, tensor.shape()))
            .collect();
        let slot = self.0;
        let mut bound = slot.bind_shapes(workload.kernel, &shapes, &workload.params)?;
        for (name, tensor) in &workload.inputs {
            bound.keep(name, tensor)?;
        }
        bound.run(|_| Ok(()))?;
        Ok(Some(Box::new(move || {
            let report = bound
                .run(|_| Ok(()))
                .expect("the same call has just succeeded");
            assert!(!report.is_fallback(), "a fallback is another call");
        })))
    }
}

/// Calls by [`Kernel::call`], each on a fresh instance, into new tensors.
#[derive(Debug, Clone, Copy)]
pub struct OneShot<'e>(pub &'e Engine);

impl Series for OneShot<'_> {
    fn name(&self) -> &'static str {
        "one-shot"
    }

    fn prepare<'a>(&self, workload: &'a Workload) -> Result<Option<Ready<'a>>> {
        let kernel = self.0.pack.kernel(workload.kernel)?;
        one_shot(&kernel, workload)?;
        Ok(Some(Box::new(move || {
            one_shot(&kernel, workload).expect("the same call has just succeeded");
        })))
    }
}

fn one_shot(kernel: &Kernel, workload: &Workload) -> Result<(), CallError> {
    let mut call = kernel.call();
    for (name, tensor) in &workload.inputs {
        call = call.input(name, tensor)?;
    }
    for &(name, value) in &workload.params {
        call = call.param(name, value)?;
    }
    call.run().map(drop)
}

/// Calls by a [`Caller`], which keeps its instances, into a buffer of the host's.
#[derive(Debug, Clone)]
pub struct ByCaller<'e> {
    engine: &'e Engine,
    threads: NonZeroU32,
    name: String,
}

impl<'e> ByCaller<'e> {
    /// Callers on that many threads.
    #[must_use]
    pub fn new(engine: &'e Engine, threads: NonZeroU32) -> Self {
        Self {
            engine,
            threads,
            name: format!("caller, threads: {threads}"),
        }
    }
}

impl Series for ByCaller<'_> {
    fn name(&self) -> &str {
        &self.name
    }

    fn prepare<'a>(&self, workload: &'a Workload) -> Result<Option<Ready<'a>>> {
        match workload.output {
            DataType::F32 => self.of_elements::<f32>(workload, workload.output_elements),
            // Blocks are bytes.
            dtype => {
                let bytes = tensor_byte_len(dtype, &[workload.output_elements])?;
                self.of_elements::<u8>(workload, usize::try_from(bytes)?)
            }
        }
        .map(Some)
    }
}

impl ByCaller<'_> {
    fn of_elements<'a, T: Element + Default + 'a>(
        &self,
        workload: &'a Workload,
        count: usize,
    ) -> Result<Ready<'a>> {
        let kernel = self.engine.pack.kernel(workload.kernel)?;
        let options = CallerOptions {
            threads: self.threads,
            ..CallerOptions::default()
        };
        let mut caller = kernel.caller(options)?;
        let output = kernel.signature().outputs()[0].name.clone();
        let mut y = vec![T::default(); count];
        call(&mut caller, workload, &output, &mut y)?;
        Ok(Box::new(move || {
            let called = call(&mut caller, workload, &output, &mut y);
            called.expect("the same call has just succeeded");
        }))
    }
}

fn call<T: Element>(
    caller: &mut Caller,
    workload: &Workload,
    output: &str,
    y: &mut [T],
) -> Result<(), CallError> {
    let mut call = caller.call();
    for (name, tensor) in &workload.inputs {
        call = call.input(name, tensor)?;
    }
    for &(name, value) in &workload.params {
        call = call.param(name, value)?;
    }
    call.output(output, y)?.run()
}
