use std::fmt;
use std::time::{Duration, Instant};

use kpack_schema::{BindError, Binding, BoundTensor, PAGE_SIZE};

use crate::backend::{BackendError, Budget, Instance, NextPass, RunError, huge_pages};
use crate::compiled::CompiledKernel;
use crate::element::Element;
use crate::error::CallError;
use crate::fault::Fault;
use crate::passes::{Leftovers, Passes};
use crate::plan::{MemoryPlan, Sizes};

/// A kernel bound to shapes and parameters, with an instance of its own: the fast way to call it.
///
/// Inputs and outputs are slices of the instance's memory. An input that stays as it is, such as a
/// weight, is written once. [`run`](Self::run) allocates nothing and takes no lock.
///
/// An instance that trapped is never called again: the next use works on a fresh one, in which every
/// input has to be written anew.
pub struct BoundKernel {
    kernel: CompiledKernel,
    binding: Binding,
    plan: MemoryPlan,
    passes: Passes,
    /// What the present instance's output region and gaps hold.
    leftovers: Leftovers,
    /// `None` after a trap, until the next use.
    instance: Option<Box<dyn Instance>>,
    /// Which inputs were written into the present instance.
    written: Vec<bool>,
    unwritten: usize,
    result: CallResult,
}

/// Whether the output region holds the result of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CallResult {
    None,
    Ready,
}

impl BoundKernel {
    pub(crate) fn new(kernel: CompiledKernel, binding: Binding) -> Result<Self, CallError> {
        let module = kernel.module();
        let (memory, limits) = (module.memory(), module.limits());
        let declared = memory.maximum.unwrap_or(limits.memory_pages);
        let max_pages = limits.memory_pages.min(declared);
        let plan = MemoryPlan::new(&Sizes::of(&binding), memory.minimum, max_pages)?;
        let inputs = binding.inputs().len();
        let mut bound = Self {
            passes: Passes::new(kernel.signature(), &binding, &plan),
            leftovers: Leftovers::None,
            kernel,
            binding,
            plan,
            instance: None,
            written: vec![false; inputs],
            unwritten: inputs,
            result: CallResult::None,
        };
        bound.instance = Some(bound.instantiate()?);
        Ok(bound)
    }

    /// The elements of an input, to be written before [`run`](Self::run).
    ///
    /// # Errors
    ///
    /// When there is no such input, its elements are of another type, or a fresh instance is needed
    /// and cannot be made.
    pub fn input_mut<T: Element>(&mut self, name: &str) -> Result<&mut [T], CallError> {
        let index = self.input(name)?;
        expect_type::<T>(&self.binding.inputs()[index])?;
        bytemuck::try_cast_slice_mut(self.input_at_mut(index)?).map_err(|_| misaligned())
    }

    /// The little-endian bytes of an input, to be written before [`run`](Self::run).
    ///
    /// # Errors
    ///
    /// When there is no such input, or a fresh instance is needed and cannot be made.
    pub fn input_bytes_mut(&mut self, name: &str) -> Result<&mut [u8], CallError> {
        let index = self.input(name)?;
        self.input_at_mut(index)
    }

    /// Runs the kernel on the inputs as they are. Where much is written along the kernel's
    /// `parallel_dims`, it is called several times, for some rows each, within one deadline.
    ///
    /// # Errors
    ///
    /// [`BindError::MissingInput`] when an input was not written since the instance was made;
    /// [`CallError::Rejected`] for the statuses 1 to 3; [`CallError::Fault`] for traps, limits and
    /// all other statuses but 0. After an error there is no result to read.
    pub fn run(&mut self) -> Result<(), CallError> {
        let ticks = self.kernel.module().limits().epoch_ticks;
        self.run_by(|instance, next| instance.call(ticks, next))
    }

    /// Runs the kernel within what is left of a budget that it shares.
    pub(crate) fn run_within(&mut self, budget: &mut Budget) -> Result<(), CallError> {
        let mut preparing = Duration::ZERO;
        let ended = self.run_by(|instance, next| {
            let mut timed = |memory: &mut [u8]| {
                let start = Instant::now();
                let argument = next(memory);
                preparing = preparing.saturating_add(start.elapsed());
                argument
            };
            budget.spend(|ticks| instance.call(ticks, &mut timed))
        });
        budget.give_back(preparing);
        match ended {
            Err(CallError::Fault(Fault::Deadline { .. })) => Err(budget.fault().into()),
            ended => ended,
        }
    }

    fn run_by(
        &mut self,
        call: impl FnOnce(&mut dyn Instance, &mut NextPass<'_>) -> Result<i32, RunError>,
    ) -> Result<(), CallError> {
        self.result = CallResult::None;
        if self.unwritten > 0 {
            return Err(self.missing_input());
        }
        let _span = tracing::debug_span!(
            "call",
            pack = %self.kernel.pack(),
            kernel = %self.kernel.checked().id(),
            engine = self.kernel.engine(),
        )
        .entered();
        let instance = match &mut self.instance {
            Some(instance) => instance,
            none => none.insert(instantiate(&self.kernel, &self.plan)?),
        };
        let Self {
            passes,
            plan,
            leftovers,
            ..
        } = self;
        passes.start();
        let mut next = |memory: &mut [u8]| {
            let found = std::mem::replace(leftovers, Leftovers::Some);
            passes.prepare_next(plan, found, memory)
        };
        match call(instance.as_mut(), &mut next) {
            Ok(0) if !self.passes.have_ended() => {
                Err(contract("an instance is called for every pass"))
            }
            Ok(0) => {
                self.result = CallResult::Ready;
                Ok(())
            }
            Ok(code) => Err(CallError::of_status(code)),
            Err(error) => Err(self.trapped(error)),
        }
    }

    /// The elements of an output of the last [`run`](Self::run).
    ///
    /// # Errors
    ///
    /// When there is no such output, its elements are of another type, or there is no result:
    /// nothing has run yet, or the last run failed.
    pub fn output<T: Element>(&self, name: &str) -> Result<&[T], CallError> {
        let index = self.output_index(name)?;
        expect_type::<T>(&self.binding.outputs()[index])?;
        bytemuck::try_cast_slice(self.output_at(index)?).map_err(|_| misaligned())
    }

    /// The little-endian bytes of an output of the last [`run`](Self::run).
    ///
    /// # Errors
    ///
    /// When there is no such output or no result.
    pub fn output_bytes(&self, name: &str) -> Result<&[u8], CallError> {
        self.output_at(self.output_index(name)?)
    }

    /// The inputs with their shapes, in the order of the manifest.
    #[must_use]
    pub fn inputs(&self) -> &[BoundTensor] {
        self.binding.inputs()
    }

    /// The outputs with their shapes, in the order of the manifest.
    #[must_use]
    pub fn outputs(&self) -> &[BoundTensor] {
        self.binding.outputs()
    }

    /// The kernel that is bound.
    #[must_use]
    pub fn kernel(&self) -> &CompiledKernel {
        &self.kernel
    }

    /// The pages of 64 KiB that the instance's memory starts a call with.
    #[must_use]
    pub fn memory_pages(&self) -> u32 {
        self.kernel.module().memory().minimum + self.plan.new_pages
    }

    fn input(&self, name: &str) -> Result<usize, CallError> {
        position(self.binding.inputs(), name)
            .ok_or_else(|| CallError::Bind(unknown_input(name, self.binding.inputs())))
    }

    fn output_index(&self, name: &str) -> Result<usize, CallError> {
        let outputs = self.binding.outputs();
        position(outputs, name).ok_or_else(|| CallError::UnknownOutput {
            name: name.into(),
            known: outputs.iter().map(|output| output.name.clone()).collect(),
        })
    }

    /// The memory of an input, which from now on counts as written.
    pub(crate) fn input_at_mut(&mut self, index: usize) -> Result<&mut [u8], CallError> {
        if self.instance.is_none() {
            self.instance = Some(self.instantiate()?);
        }
        if !self.written[index] {
            self.written[index] = true;
            self.unwritten -= 1;
        }
        let instance = self.instance.as_mut().expect("an instance was made above");
        Ok(&mut instance.memory_mut()[self.plan.inputs[index].clone()])
    }

    /// The memory of an output of the last run.
    pub(crate) fn output_at(&self, index: usize) -> Result<&[u8], CallError> {
        match &self.instance {
            Some(instance) if self.result == CallResult::Ready => {
                Ok(&instance.memory()[self.plan.outputs[index].clone()])
            }
            _ => Err(CallError::NoResult {
                output: self.binding.outputs()[index].name.clone(),
            }),
        }
    }

    fn instantiate(&self) -> Result<Box<dyn Instance>, CallError> {
        instantiate(&self.kernel, &self.plan)
    }

    #[cold]
    fn missing_input(&self) -> CallError {
        let missing = self.written.iter().position(|&written| !written);
        let index = missing.expect("the count of unwritten inputs is above 0");
        BindError::MissingInput {
            name: self.binding.inputs()[index].name.clone(),
        }
        .into()
    }

    #[cold]
    fn trapped(&mut self, error: RunError) -> CallError {
        self.instance = None;
        self.leftovers = Leftovers::None;
        self.written.fill(false);
        self.unwritten = self.written.len();
        error.into()
    }
}

impl fmt::Debug for BoundKernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundKernel")
            .field("kernel", &self.kernel)
            .field("inputs", &self.inputs())
            .field("outputs", &self.outputs())
            .finish_non_exhaustive()
    }
}

pub(crate) fn unknown_input(name: &str, inputs: &[BoundTensor]) -> BindError {
    let known = inputs.iter().map(|input| input.name.clone()).collect();
    BindError::UnknownInput {
        name: name.into(),
        known,
    }
}

/// A fresh instance whose memory has grown to hold the plan.
fn instantiate(kernel: &CompiledKernel, plan: &MemoryPlan) -> Result<Box<dyn Instance>, CallError> {
    let mut instance = kernel.instantiate()?;
    let module_pages = kernel.module().memory().minimum;
    if instance.memory().len() != bytes_of(module_pages) {
        return Err(contract("a new instance's memory has the module's minimum"));
    }
    instance.grow(plan.new_pages)?;
    if instance.memory().len() != bytes_of(module_pages + plan.new_pages) {
        return Err(contract("a memory grows by the pages that were asked for"));
    }
    huge_pages::advise(instance.memory_mut());
    Ok(instance)
}

/// [`usize::MAX`], which no memory has, on a host whose addresses are too short.
fn bytes_of(pages: u32) -> usize {
    usize::try_from(u64::from(pages) * u64::from(PAGE_SIZE)).unwrap_or(usize::MAX)
}

fn position(tensors: &[BoundTensor], name: &str) -> Option<usize> {
    tensors.iter().position(|tensor| tensor.name == name)
}

fn expect_type<T: Element>(tensor: &BoundTensor) -> Result<(), CallError> {
    if T::stands_for(tensor.dtype) {
        return Ok(());
    }
    Err(CallError::DataType {
        tensor: tensor.name.clone(),
        expected: tensor.dtype,
        found: T::DTYPE,
    })
}

#[cold]
fn misaligned() -> CallError {
    contract("an instance's memory starts at a multiple of 64")
}

#[cold]
fn contract(what: &'static str) -> CallError {
    BackendError::Contract { what }.into()
}
