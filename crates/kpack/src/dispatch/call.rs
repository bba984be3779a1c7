use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use kpack_exec::{Arguments, CallError, Outputs, Tensor, TensorView};
use kpack_schema::{Binding, ParamValue, Signature};

use super::Dispatch;
use super::chain::Target;
use super::clock::Stopwatch;
use super::error::{DispatchError, LinkError, Tried};
use super::native;
use super::report::DispatchReport;
use crate::kernel::Kernel;
use crate::native::NativeKernel;

/// A one-shot call along a kernel's chain, put together input by input; each is checked as it is given.
///
/// Whatever is tried runs on an instance of its own, and the results are copies. For many calls, use
/// [`Dispatch::bind`].
#[derive(Clone)]
pub struct DispatchCall<'a> {
    dispatch: &'a Dispatch,
    arguments: Arguments<'a>,
}

/// The outputs of a one-shot call, by name, in the order of the manifest.
#[derive(Debug)]
pub struct DispatchOutputs {
    report: DispatchReport,
    tensors: Vec<(String, Tensor)>,
}

/// The outputs of one link.
type Tensors = Vec<(String, Tensor)>;

impl<'a> DispatchCall<'a> {
    pub(super) fn new(dispatch: &'a Dispatch) -> Self {
        Self {
            dispatch,
            arguments: Arguments::default(),
        }
    }

    /// Gives an input, by its name in the manifest.
    ///
    /// # Errors
    ///
    /// When there is no such input, it was given before, or its elements are of another type.
    pub fn input(
        mut self,
        name: &'a str,
        tensor: impl Into<TensorView<'a>>,
    ) -> Result<Self, CallError> {
        let signature = self.dispatch.signature();
        self.arguments.input(signature, name, tensor.into())?;
        Ok(self)
    }

    /// Gives a parameter, by its name in the manifest.
    ///
    /// # Errors
    ///
    /// When there is no such parameter, it was given before, or the value is not of its type or out of
    /// its bounds.
    pub fn param(mut self, name: &'a str, value: impl Into<ParamValue>) -> Result<Self, CallError> {
        let signature = self.dispatch.signature();
        self.arguments.param(signature, name, value.into())?;
        Ok(self)
    }

    /// Runs the kernel or, where it fails, its fallbacks, and copies the outputs of what served.
    ///
    /// # Errors
    ///
    /// When shapes and parameters do not fit the kernel, and when nothing in the chain gave a result:
    /// with every cause, in the order of the chain.
    pub fn run(self) -> Result<DispatchOutputs, DispatchError> {
        let Self {
            dispatch,
            arguments,
        } = self;
        let bound = dispatch
            .signature()
            .bind_shapes(&arguments.shapes(), arguments.params());
        let binding = bound.map_err(|error| dispatch.refused(error))?;
        let attempt = Attempt {
            stopwatch: &dispatch.shared.stopwatch,
            params: params(dispatch.signature(), &binding),
            signature: dispatch.signature(),
            binding: &binding,
            arguments: &arguments,
        };
        let mut passed_over = Vec::new();
        let served = dispatch.walk(&mut passed_over, |index, link| match link.target() {
            Target::Kernel { kernel, .. } => attempt.kernel(kernel, index),
            Target::Native { native, .. } => attempt.native(native.as_ref()),
            Target::Unavailable(_) | Target::NotRegistered => unreachable!("it was passed over"),
        })?;
        let (tensors, time) = served.result;
        let link = &dispatch.chain.links()[served.index];
        link.counters().served(time);
        Ok(DispatchOutputs {
            report: DispatchReport {
                kernel: dispatch.id().clone(),
                served_by: Arc::clone(link.served_by()),
                passed_over,
                time,
            },
            tensors,
        })
    }
}

/// What every link of the chain is given.
struct Attempt<'a> {
    stopwatch: &'a Stopwatch,
    signature: &'a Signature,
    binding: &'a Binding,
    arguments: &'a Arguments<'a>,
    /// Every parameter, so that a fallback with other defaults computes the same.
    params: Vec<(&'a str, ParamValue)>,
}

impl Attempt<'_> {
    fn kernel(&self, kernel: &Kernel, index: usize) -> Tried<(Tensors, Duration)> {
        let run = || -> Result<Outputs, CallError> {
            let mut call = kernel.call();
            for &(name, tensor) in self.arguments.inputs() {
                call = call.input(name, tensor)?;
            }
            for &(name, value) in &self.params {
                call = call.param(name, value)?;
            }
            call.run()
        };
        let (outputs, time) = self.stopwatch.time(run);
        let outputs = outputs.map_err(|error| Box::new(LinkError::of_binding(index, error)))?;
        Ok((outputs.into_iter().collect(), time))
    }

    fn native(&self, native: &dyn NativeKernel) -> Tried<(Tensors, Duration)> {
        let given = self.arguments.inputs();
        let of_name = |name: &str| {
            let found = given.iter().find(|&&(input, _)| input == name);
            found.expect("the shapes of these inputs were bound").1
        };
        // Bytes that the caller has anywhere are not aligned for their elements.
        let inputs = self.binding.inputs().iter();
        let inputs = inputs.map(|input| Some(of_name(&input.name).to_tensor()));
        let inputs: Vec<Option<Tensor>> = inputs.collect();
        let mut outputs = native::outputs(self.binding)?;
        let (ended, time) = self
            .stopwatch
            .time(|| native::run(native, self.signature, self.binding, &inputs, &mut outputs));
        ended?;
        let names = self.binding.outputs().iter();
        let names = names.map(|output| output.name.clone());
        Ok((names.zip(outputs).collect(), time))
    }
}

/// Every parameter by name, with the value that it was bound to.
pub(super) fn params<'a>(
    signature: &'a Signature,
    binding: &Binding,
) -> Vec<(&'a str, ParamValue)> {
    let params = signature.params().iter().zip(binding.params());
    params
        .map(|(param, &value)| (param.name.as_str(), value))
        .collect()
}

impl DispatchOutputs {
    /// What computed them, what was passed over, and the time it took.
    #[must_use]
    pub const fn report(&self) -> &DispatchReport {
        &self.report
    }

    /// The output of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.tensors
            .iter()
            .find(|(output, _)| output == name)
            .map(|(_, tensor)| tensor)
    }

    /// All outputs with their names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Tensor)> {
        self.tensors
            .iter()
            .map(|(name, tensor)| (name.as_str(), tensor))
    }
}

impl IntoIterator for DispatchOutputs {
    type Item = (String, Tensor);
    type IntoIter = std::vec::IntoIter<(String, Tensor)>;

    fn into_iter(self) -> Self::IntoIter {
        self.tensors.into_iter()
    }
}

impl fmt::Debug for DispatchCall<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DispatchCall")
            .field("dispatch", &self.dispatch)
            .field("arguments", &self.arguments)
            .finish()
    }
}
