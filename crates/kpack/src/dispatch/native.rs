//! Calls of native kernels, whose panics are contained.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use kpack_exec::Tensor;
use kpack_schema::{Binding, BoundTensor, Signature};

use crate::native::{NativeCall, NativeError, NativeKernel};

/// Places for the outputs, all zero.
pub(super) fn outputs(binding: &Binding) -> Result<Vec<Tensor>, NativeError> {
    let outputs = binding.outputs().iter();
    outputs
        .map(|output| Tensor::zeros(output.dtype, &output.shape).map_err(NativeError::failed))
        .collect()
}

/// Makes the places all zero for the next call, anew where a failed one has left others.
pub(super) fn clear(binding: &Binding, places: &mut Vec<Tensor>) -> Result<(), NativeError> {
    let mut pairs = binding.outputs().iter().zip(places.iter());
    if places.is_empty() || !pairs.all(|(declared, found)| is_declared(declared, found)) {
        *places = outputs(binding)?;
    }
    for place in places {
        place.bytes_mut().fill(0);
    }
    Ok(())
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
    })?;
    expect_declared(binding, outputs)
}

/// A native kernel may put other tensors in the places of the outputs.
fn expect_declared(binding: &Binding, outputs: &[Tensor]) -> Result<(), NativeError> {
    for (declared, found) in binding.outputs().iter().zip(outputs) {
        if !is_declared(declared, found) {
            return Err(NativeError::failed(format!(
                "output {} must be {} of {:?}: `{} of {:?}`",
                declared.name,
                declared.dtype,
                declared.shape,
                found.dtype(),
                found.shape()
            )));
        }
    }
    Ok(())
}

fn is_declared(declared: &BoundTensor, found: &Tensor) -> bool {
    found.dtype() == declared.dtype && found.shape() == declared.shape
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message").to_owned()
}
