use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use kpack_exec::{BoundKernel, CallError, Element, Tensor, TensorView};
use kpack_schema::{BindError, Binding, BoundTensor, ParamValue};

use super::Dispatch;
use super::call::params;
use super::chain::Target;
use super::clock::Stopwatch;
use super::error::{DispatchError, LinkError, Tried};
use super::inputs::{HostInputs, Place, index};
use super::native;
use super::policy::OnFailure;
use super::report::DispatchReport;
use super::stats::OwnLatency;
use crate::kernel::Kernel;
use crate::native::NativeKernel;

pub use super::inputs::DispatchInputs;

/// A kernel and its fallbacks bound to shapes and parameters, with instances of their own: the fast way
/// to call them.
///
/// An input that stays as it is, such as a weight, is [kept](Self::keep) once. All others are written
/// anew for every call, by a function that [`run`](Self::run) is given: it is called once for whatever
/// is tried, for what a kernel that failed has left of its inputs is not used. While the kernel serves,
/// a call allocates nothing and takes no lock.
pub struct BoundDispatch {
    dispatch: Dispatch,
    parts: Parts,
    /// Which link gave the result of the last call, if it had one.
    result: Option<usize>,
    report: DispatchReport,
}

/// What the links of the chain are called with, and their instances.
struct Parts {
    binding: Binding,
    inputs: HostInputs,
    /// Of the chain's links.
    links: Vec<BoundLink>,
    /// What a native kernel writes to; empty until one runs.
    native_outputs: Vec<Tensor>,
}

/// A link of the chain, as far as it was called.
#[derive(Default)]
struct BoundLink {
    /// `None` unless it is a kernel that was bound and has not failed since.
    kernel: Option<BoundKernel>,
    kept: Kept,
    /// `None` until it serves.
    latency: Option<OwnLatency>,
}

/// Whether an instance has the kept inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Kept {
    #[default]
    Stale,
    Written,
}

impl BoundDispatch {
    pub(super) fn new(
        dispatch: &Dispatch,
        binding: Result<Binding, BindError>,
    ) -> Result<Self, DispatchError> {
        let binding = binding.map_err(|error| dispatch.refused(error))?;
        let chain = dispatch.chain.links();
        let served_by = chain.iter().find_map(|link| link.target().served_by());
        let served_by = served_by.expect("something in the chain can run");
        let mut links: Vec<BoundLink> = Vec::new();
        links.resize_with(chain.len(), BoundLink::default);
        let mut bound = Self {
            parts: Parts {
                inputs: HostInputs::new(binding.inputs().len()),
                binding,
                links,
                native_outputs: Vec::new(),
            },
            result: None,
            report: DispatchReport {
                kernel: dispatch.id().clone(),
                served_by: Arc::clone(served_by),
                passed_over: Vec::new(),
                time: Duration::ZERO,
            },
            dispatch: dispatch.clone(),
        };
        if let Target::Kernel { kernel, .. } = chain[0].target()
            && let Err(error) = bound.parts.bind(dispatch, kernel, 0)
            // Otherwise it is tried again with the first call, which tells of it.
            && dispatch.shared.policy.answer(&error) == OnFailure::Return
        {
            return Err(dispatch.failed_at_first(*error));
        }
        Ok(bound)
    }

    /// Keeps an input for all calls from now on: a copy of it is the host's, and is written into the
    /// memory of whatever runs, once for each instance.
    ///
    /// # Errors
    ///
    /// When there is no such input, or its type or shape is another.
    pub fn keep<'t>(
        &mut self,
        name: &str,
        tensor: impl Into<TensorView<'t>>,
    ) -> Result<(), CallError> {
        let tensor = tensor.into();
        let Parts {
            binding, inputs, ..
        } = &mut self.parts;
        let index = index(binding, name)?;
        let bound = &binding.inputs()[index];
        if bound.dtype != tensor.dtype() {
            return Err(CallError::DataType {
                tensor: name.to_owned(),
                expected: bound.dtype,
                found: tensor.dtype(),
            });
        }
        if bound.shape != tensor.shape() {
            let declared = &self.dispatch.signature().inputs()[index];
            let error = BindError::Shape {
                tensor: name.to_owned(),
                declared: declared.shape_text(),
                expected: bound.shape.clone(),
                found: tensor.shape().to_vec(),
            };
            return Err(error.into());
        }
        inputs.keep(index, tensor.to_tensor());
        for link in &mut self.parts.links {
            link.kept = Kept::Stale;
        }
        Ok(())
    }

    /// Runs the kernel or, where it fails, its fallbacks, on what is kept and what `fill` writes: every
    /// input that is not kept. `fill` is called anew for each link that is tried.
    ///
    /// # Errors
    ///
    /// When nothing in the chain gave a result, with every cause. An error that `fill` returns and an
    /// input that it has not written are the caller's, and lead to no fallback. After an error there is
    /// no result to read.
    pub fn run(
        &mut self,
        mut fill: impl FnMut(&mut DispatchInputs<'_>) -> Result<(), CallError>,
    ) -> Result<&DispatchReport, DispatchError> {
        self.result = None;
        let Self {
            dispatch,
            parts,
            result,
            report,
        } = self;
        report.passed_over.clear();
        let served = dispatch.walk(&mut report.passed_over, |index, link| match link.target() {
            Target::Kernel { kernel, .. } => parts.run(dispatch, kernel, index, &mut fill),
            Target::Native { native, .. } => parts.run_native(dispatch, native.as_ref(), &mut fill),
            Target::Unavailable(_) | Target::NotRegistered => unreachable!("it was passed over"),
        })?;
        *result = Some(served.index);
        report.time = served.result;
        let link = &dispatch.chain.links()[served.index];
        let latency = &mut parts.links[served.index].latency;
        latency
            .get_or_insert_with(|| OwnLatency::of(link.counters()))
            .served(report.time);
        let served_by = link.served_by();
        if !Arc::ptr_eq(&report.served_by, served_by) {
            report.served_by = Arc::clone(served_by);
        }
        Ok(report)
    }

    /// The elements of an output of the last [`run`](Self::run), wherever they were computed.
    ///
    /// # Errors
    ///
    /// When there is no such output, its elements are of another type, or there is no result: nothing
    /// has run yet, or the last run failed.
    pub fn output<T: Element>(&self, name: &str) -> Result<&[T], CallError> {
        match self.source(name)? {
            Source::Kernel(kernel) => kernel.output(name),
            Source::Native(tensor) => tensor.as_slice().map_err(|_| CallError::DataType {
                tensor: name.to_owned(),
                expected: tensor.dtype(),
                found: T::DTYPE,
            }),
        }
    }

    /// The little-endian bytes of an output of the last [`run`](Self::run).
    ///
    /// # Errors
    ///
    /// When there is no such output or no result.
    pub fn output_bytes(&self, name: &str) -> Result<&[u8], CallError> {
        match self.source(name)? {
            Source::Kernel(kernel) => kernel.output_bytes(name),
            Source::Native(tensor) => Ok(tensor.bytes()),
        }
    }

    /// From now on there is no result to read.
    pub(crate) const fn forget_result(&mut self) {
        self.result = None;
    }

    /// Goes on as another kernel that was bound to inputs of the same shapes. What is kept stays kept.
    pub(crate) fn take_place(&mut self, mut successor: Self) {
        std::mem::swap(&mut successor.parts.inputs, &mut self.parts.inputs);
        *self = successor;
    }

    /// The inputs with their shapes, in the order of the manifest.
    #[must_use]
    pub fn inputs(&self) -> &[BoundTensor] {
        self.parts.binding.inputs()
    }

    /// The outputs with their shapes, in the order of the manifest.
    #[must_use]
    pub fn outputs(&self) -> &[BoundTensor] {
        self.parts.binding.outputs()
    }

    /// The kernel that is asked for, with its fallbacks.
    #[must_use]
    pub const fn dispatch(&self) -> &Dispatch {
        &self.dispatch
    }

    /// Where the output of that name is.
    fn source(&self, name: &str) -> Result<Source<'_>, CallError> {
        let no_result = || CallError::NoResult {
            output: name.to_owned(),
        };
        let index = self.result.ok_or_else(no_result)?;
        if let Some(kernel) = &self.parts.links[index].kernel {
            return Ok(Source::Kernel(kernel));
        }
        let outputs = self.parts.binding.outputs();
        let found = outputs.iter().position(|output| output.name == name);
        let found = found.ok_or_else(|| CallError::UnknownOutput {
            name: name.to_owned(),
            known: outputs.iter().map(|output| output.name.clone()).collect(),
        })?;
        Ok(Source::Native(&self.parts.native_outputs[found]))
    }
}

/// Where the outputs of the last call are.
enum Source<'a> {
    Kernel(&'a BoundKernel),
    Native(&'a Tensor),
}

impl Parts {
    /// Binds a link anew.
    fn bind(&mut self, dispatch: &Dispatch, kernel: &Kernel, index: usize) -> Tried<()> {
        let inputs = self.binding.inputs().iter();
        let shapes: Vec<(&str, &[usize])> = inputs
            .map(|input| (input.name.as_str(), input.shape.as_slice()))
            .collect();
        let params: Vec<(&str, ParamValue)> = params(dispatch.signature(), &self.binding);
        let bound = kernel.bind_shapes(&shapes, &params);
        let link = &mut self.links[index];
        let failed = |error| Box::new(LinkError::of_binding(index, error));
        link.kernel = Some(bound.map_err(failed)?);
        link.kept = Kept::Stale;
        Ok(())
    }

    fn run(
        &mut self,
        dispatch: &Dispatch,
        kernel: &Kernel,
        index: usize,
        fill: &mut impl FnMut(&mut DispatchInputs<'_>) -> Result<(), CallError>,
    ) -> Tried<Duration> {
        if self.links[index].kernel.is_none() {
            self.bind(dispatch, kernel, index)?;
        }
        let Self {
            binding,
            inputs,
            links,
            ..
        } = self;
        let link = &mut links[index];
        let ended = link.run(&dispatch.shared.stopwatch, binding, inputs, fill);
        if let Err(error) = &ended
            && let LinkError::Call(CallError::Fault(_) | CallError::Backend(_)) = **error
        {
            // Whatever its instance holds by now.
            link.kernel = None;
        }
        ended
    }

    fn run_native(
        &mut self,
        dispatch: &Dispatch,
        native: &dyn NativeKernel,
        fill: &mut impl FnMut(&mut DispatchInputs<'_>) -> Result<(), CallError>,
    ) -> Tried<Duration> {
        let Self {
            binding,
            inputs,
            native_outputs,
            ..
        } = self;
        inputs.make_places(binding)?;
        inputs.fill(binding, Place::Host, fill)?;
        native::clear(binding, native_outputs)?;
        let (signature, inputs) = (dispatch.signature(), inputs.tensors());
        let (ended, time) = dispatch
            .shared
            .stopwatch
            .time(|| native::run(native, signature, binding, inputs, native_outputs));
        ended?;
        Ok(time)
    }
}

impl BoundLink {
    /// Calls the kernel, which is bound.
    #[inline]
    fn run(
        &mut self,
        stopwatch: &Stopwatch,
        binding: &Binding,
        inputs: &mut HostInputs,
        fill: &mut impl FnMut(&mut DispatchInputs<'_>) -> Result<(), CallError>,
    ) -> Tried<Duration> {
        let kernel = self.kernel.as_mut().expect("the link was bound");
        if self.kept == Kept::Stale {
            inputs.write_kept(binding, kernel)?;
            self.kept = Kept::Written;
        }
        inputs.fill(binding, Place::Kernel(kernel), fill)?;
        let (ended, time) = stopwatch.time(|| kernel.run());
        ended?;
        Ok(time)
    }
}

impl fmt::Debug for BoundDispatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundDispatch")
            .field("dispatch", &self.dispatch)
            .field("inputs", &self.inputs())
            .field("outputs", &self.outputs())
            .finish_non_exhaustive()
    }
}
