use half::{bf16, f16};
use kpack_reference::{GeluForm, native};

use super::{Number, Outcome, bool, by_dtype, input, loops, output};
use crate::native::{NativeCall, NativeError};

pub(super) fn swiglu(call: &mut NativeCall<'_>) -> Outcome {
    by_dtype(call, "gate", loops!(swiglu_of))
}

fn swiglu_of<T: Number>(call: &mut NativeCall<'_>) -> Outcome {
    let gate = call.input::<T>("gate")?;
    let up = input::<T>(call, "up", gate.len())?;
    native::swiglu(gate, up, output(call, "y", gate.len())?);
    Ok(())
}

pub(super) fn gelu(call: &mut NativeCall<'_>) -> Outcome {
    let x = call.input::<f32>("x")?;
    let form = if bool(call, "tanh_approximation", false)? {
        GeluForm::Tanh
    } else {
        GeluForm::Erf
    };
    native::gelu(x, form, output(call, "y", x.len())?);
    Ok(())
}

pub(super) fn softmax(call: &mut NativeCall<'_>) -> Outcome {
    let x = call.input::<f32>("x")?;
    let width = call.tensor("x")?.shape().last().copied();
    let width = width.ok_or_else(|| NativeError::mismatch("x has no last dimension"))?;
    native::softmax(x, width, output(call, "y", x.len())?);
    Ok(())
}
