//! Calls of native kernels, whose panics are contained.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use kpack_exec::Tensor;
use kpack_schema::{Binding, Signature};

use crate::native::{NativeCall, NativeError, NativeKernel};

/// Places for the outputs, all zero.
pub(super) fn outputs(binding: &Binding) -> Result<Vec<Tensor>, NativeError> {
    let outputs = binding.outputs().iter();
    outputs
        .map(|output| Tensor::zeros(output.dtype, &output.shape).map_err(NativeError::failed))
        .collect()
}

/// Runs a native kernel. After an error, what the outputs hold is no result.
pub(super) fn run(
    native: &dyn NativeKernel,
    signature: &Signature,
    binding: &Binding,
    inputs: &[Option<Tensor>],
    outputs: &mut [Tensor],
) -> Result<(), NativeError> {
    let mut call = NativeCall::new(signature, binding, inputs, outputs);
    // Of what is shared with it, only the outputs may be left half-written, and they are not shown.
    let ended = catch_unwind(AssertUnwindSafe(|| native.run(&mut call)));
    ended.unwrap_or_else(|panic| {
        Err(NativeError::Panicked {
            message: message(panic.as_ref()),
        })
    })
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message").to_owned()
}
