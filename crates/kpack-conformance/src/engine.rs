use std::error::Error;

use kpack::reference_pack::references;
use kpack::{BackendError, CallerOptions, FeatureSet, Pack, Runtime};

use crate::elements::Elements;
use crate::{Call, Harness, Results};

/// A runtime on every engine that is compiled in.
///
/// # Errors
///
/// When an engine cannot be set up on this machine.
pub fn runtimes() -> Result<Vec<Runtime>, BackendError> {
    runtimes_offering(FeatureSet::ALL)
}

/// A runtime on every engine that is compiled in, which offers no other features than these.
///
/// # Errors
///
/// When an engine cannot be set up on this machine.
pub fn runtimes_offering(features: FeatureSet) -> Result<Vec<Runtime>, BackendError> {
    let builders = [
        #[cfg(feature = "wasmtime")]
        Runtime::builder(kpack::Wasmtime::new()?.offering(features)),
        #[cfg(feature = "wasmer")]
        Runtime::builder(kpack::Wasmer::new()?.offering(features)),
    ];
    Ok(builders
        .map(|builder| builder.references(references()).build())
        .into())
}

/// Runs the kernels of a loaded pack, by the one-shot call.
#[derive(Debug)]
pub struct PackHarness<'a> {
    pack: &'a Pack,
}

impl<'a> PackHarness<'a> {
    /// A harness for this pack.
    #[must_use]
    pub fn new(pack: &'a Pack) -> Self {
        Self { pack }
    }
}

/// Runs the kernels of a loaded pack by callers that cut every call as small as can be.
#[derive(Debug)]
pub struct CallerHarness<'a> {
    pack: &'a Pack,
}

impl<'a> CallerHarness<'a> {
    /// A harness for this pack.
    #[must_use]
    pub fn new(pack: &'a Pack) -> Self {
        Self { pack }
    }
}

impl Harness for CallerHarness<'_> {
    fn call(&mut self, call: &Call) -> Result<Results, Box<dyn Error + Send + Sync>> {
        let options = CallerOptions {
            tile_bytes: 1,
            ..CallerOptions::default()
        };
        let kernel = self.pack.kernel(call.kernel)?;
        let inputs = call.inputs.iter();
        let shapes: Vec<(&str, &[usize])> = inputs
            .map(|(name, tensor)| (*name, tensor.shape()))
            .collect();
        let binding = kernel.signature().bind_shapes(&shapes, &call.params)?;
        let mut elements: Vec<Elements> = binding.outputs().iter().map(Elements::of).collect();
        let mut caller = kernel.caller(options)?;
        let mut builder = caller.call();
        for (name, tensor) in &call.inputs {
            builder = builder.input(name, tensor)?;
        }
        for &(name, value) in &call.params {
            builder = builder.param(name, value)?;
        }
        for (output, elements) in binding.outputs().iter().zip(&mut elements) {
            builder = elements.receive(builder, &output.name)?;
        }
        builder.run()?;
        let outputs = binding.outputs().iter().zip(elements);
        outputs
            .map(|(output, elements)| Ok((output.name.clone(), elements.into_tensor(output)?)))
            .collect()
    }
}

impl Harness for PackHarness<'_> {
    fn call(&mut self, call: &Call) -> Result<Results, Box<dyn Error + Send + Sync>> {
        let kernel = self.pack.kernel(call.kernel)?;
        let mut builder = kernel.call();
        for (name, tensor) in &call.inputs {
            builder = builder.input(name, tensor)?;
        }
        for &(name, value) in &call.params {
            builder = builder.param(name, value)?;
        }
        Ok(builder.run()?.into_iter().collect())
    }
}
