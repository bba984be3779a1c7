use std::fmt;
use std::sync::Arc;

use kpack_exec::{CallError, Element, TensorView};
use kpack_schema::{BoundTensor, ParamValue};

use super::Slot;
use super::error::SlotCallError;
use super::interface::BoundTo;
use super::serving::Generation;
use crate::dispatch::{BoundDispatch, Dispatch, DispatchError, DispatchInputs, DispatchReport};

/// A kernel of a [`Slot`], bound to shapes and parameters: between two calls it follows the slot to the
/// pack that serves by then. Each call runs on one pack from beginning to end.
///
/// To see whether another pack has come, a call loads one number. What is [kept](Self::keep) is kept
/// across packs; all other inputs are written anew for every call anyway.
pub struct SlotKernel {
    slot: Slot,
    /// Shows swaps what they must go on serving, as long as this lives.
    bound_to: Arc<BoundTo>,
    generation: Generation,
    bound: BoundDispatch,
}

impl SlotKernel {
    pub(super) fn bind(
        slot: &Slot,
        kernel: &str,
        bind: impl Fn(&Dispatch) -> Result<BoundDispatch, DispatchError>,
        params: &[(&str, ParamValue)],
    ) -> Result<Self, SlotCallError> {
        // Again for every swap that comes in between.
        loop {
            let current = slot.current();
            let bound = bind(&current.dispatcher().kernel(kernel)?)?;
            let bound_to = Arc::new(BoundTo::of(&bound, params));
            let generation = current.generation();
            let registered = slot.shared.swapper.register(&bound_to, generation);
            if registered.is_some() {
                return Ok(Self {
                    slot: slot.clone(),
                    bound_to,
                    generation,
                    bound,
                });
            }
        }
    }

    /// Keeps an input for all calls from now on, also in packs that are yet to come.
    ///
    /// # Errors
    ///
    /// As [`BoundDispatch::keep`].
    pub fn keep<'t>(
        &mut self,
        name: &str,
        tensor: impl Into<TensorView<'t>>,
    ) -> Result<(), CallError> {
        self.bound.keep(name, tensor)
    }

    /// Runs the kernel of the pack that serves now or, where it fails, its fallbacks, on what is kept
    /// and what `fill` writes: every input that is not kept. `fill` is called anew for whatever is tried.
    ///
    /// # Errors
    ///
    /// As [`BoundDispatch::run`]. After a rollback also when the older pack does not have the kernel as
    /// it was bound, until the next swap.
    #[inline]
    pub fn run(
        &mut self,
        fill: impl FnMut(&mut DispatchInputs<'_>) -> Result<(), CallError>,
    ) -> Result<&DispatchReport, SlotCallError> {
        if !self.slot.shared.swapper.is_current(self.generation) {
            self.follow()?;
        }
        Ok(self.bound.run(fill)?)
    }

    /// The elements of an output of the last [`run`](Self::run).
    ///
    /// # Errors
    ///
    /// As [`BoundDispatch::output`].
    pub fn output<T: Element>(&self, name: &str) -> Result<&[T], CallError> {
        self.bound.output(name)
    }

    /// The little-endian bytes of an output of the last [`run`](Self::run).
    ///
    /// # Errors
    ///
    /// As [`BoundDispatch::output_bytes`].
    pub fn output_bytes(&self, name: &str) -> Result<&[u8], CallError> {
        self.bound.output_bytes(name)
    }

    /// Which pack of the slot the last call ran on or, before the first, the kernel was bound in.
    #[must_use]
    pub const fn generation(&self) -> Generation {
        self.generation
    }

    /// The inputs with their shapes, in the order of the manifest.
    #[must_use]
    pub fn inputs(&self) -> &[BoundTensor] {
        self.bound.inputs()
    }

    /// The outputs with their shapes, in the order of the manifest.
    #[must_use]
    pub fn outputs(&self) -> &[BoundTensor] {
        self.bound.outputs()
    }

    #[cold]
    fn follow(&mut self) -> Result<(), SlotCallError> {
        // Where this fails the call has failed, and what an earlier one gave is not its result.
        self.bound.forget_result();
        let current = self.slot.current();
        let BoundTo {
            kernel, signature, ..
        } = self.bound_to.as_ref();
        let dispatch = current.dispatcher().kernel(kernel.as_str())?;
        if !dispatch.signature().can_replace(signature) {
            return Err(SlotCallError::Changed {
                kernel: kernel.clone(),
            });
        }
        let bound = self.bound_to.bind_to(&dispatch)?;
        self.bound.take_place(bound);
        self.generation = current.generation();
        Ok(())
    }
}

impl fmt::Debug for SlotKernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlotKernel")
            .field("generation", &self.generation)
            .field("bound", &self.bound)
            .finish_non_exhaustive()
    }
}
