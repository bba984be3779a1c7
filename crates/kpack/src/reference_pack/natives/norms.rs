use half::{bf16, f16};
use kpack_reference::native;

use super::{Number, Outcome, by_dtype, f32, input, loops, output};
use crate::native::{NativeCall, NativeError};

pub(super) fn rmsnorm(call: &mut NativeCall<'_>) -> Outcome {
    by_dtype(call, "x", loops!(rmsnorm_of))
}

fn rmsnorm_of<T: Number>(call: &mut NativeCall<'_>) -> Outcome {
    let (x, weight) = (call.input::<T>("x")?, call.input::<T>("weight")?);
    let (eps, offset) = (f32(call, "eps", 1e-5)?, f32(call, "weight_offset", 0.0)?);
    whole_rows(x, weight)?;
    native::rmsnorm(x, weight, eps, offset, output(call, "y", x.len())?);
    Ok(())
}

pub(super) fn add_rmsnorm(call: &mut NativeCall<'_>) -> Outcome {
    let (x, weight) = (call.input::<f32>("x")?, call.input::<f32>("weight")?);
    let residual = input::<f32>(call, "residual", x.len())?;
    let (eps, offset) = (f32(call, "eps", 1e-5)?, f32(call, "weight_offset", 0.0)?);
    whole_rows(x, weight)?;
    let mut sum = vec![0.0; x.len()];
    let y = output(call, "y", x.len())?;
    native::add_rmsnorm(x, residual, weight, eps, offset, y, &mut sum);
    output(call, "sum", x.len())?.copy_from_slice(&sum);
    Ok(())
}

pub(super) fn layernorm(call: &mut NativeCall<'_>) -> Outcome {
    by_dtype(call, "x", loops!(layernorm_of))
}

fn layernorm_of<T: Number>(call: &mut NativeCall<'_>) -> Outcome {
    let (x, weight) = (call.input::<T>("x")?, call.input::<T>("weight")?);
    let bias = input::<T>(call, "bias", weight.len())?;
    let eps = f32(call, "eps", 1e-5)?;
    whole_rows(x, weight)?;
    native::layernorm(x, weight, bias, eps, output(call, "y", x.len())?);
    Ok(())
}

fn whole_rows<T>(x: &[T], weight: &[T]) -> Outcome {
    if weight.is_empty() || !x.len().is_multiple_of(weight.len()) {
        return Err(NativeError::mismatch("x is no whole number of weights"));
    }
    Ok(())
}
