use half::{bf16, f16};
use kpack_reference::{LoraShape, native};

use super::{Number, Outcome, by_dtype, f32, input, loops, output};
use crate::native::{NativeCall, NativeError};

pub(super) fn lora_apply(call: &mut NativeCall<'_>) -> Outcome {
    by_dtype(call, "x", loops!(lora_apply_of))
}

fn lora_apply_of<T: Number>(call: &mut NativeCall<'_>) -> Outcome {
    let (x, base) = (call.tensor("x")?, call.tensor("base")?);
    let lora_a = call.tensor("lora_a")?;
    let (&[rows, inputs], &[_, outputs], &[rank, _]) = (x.shape(), base.shape(), lora_a.shape())
    else {
        return Err(NativeError::mismatch("base, x and lora_a are not matrices"));
    };
    let shape = LoraShape {
        rows,
        inputs,
        outputs,
        rank,
    };
    let x = call.input::<T>("x")?;
    let base = input::<T>(call, "base", rows * outputs)?;
    let lora_a = input::<T>(call, "lora_a", rank * inputs)?;
    let lora_b = input::<T>(call, "lora_b", outputs * rank)?;
    let scale = f32(call, "scale", 1.0)?;
    let y = output(call, "y", rows * outputs)?;
    native::lora_apply(shape, base, x, lora_a, lora_b, scale, y);
    Ok(())
}
