use half::{bf16, f16};
use kpack_reference::{PairLayout, RopeShape, native};

use super::{Number, Outcome, bool, by_dtype, f32, loops, output};
use crate::native::{NativeCall, NativeError};

pub(super) fn rope(call: &mut NativeCall<'_>) -> Outcome {
    by_dtype(call, "x", loops!(rope_of))
}

fn rope_of<T: Number>(call: &mut NativeCall<'_>) -> Outcome {
    let (x, freqs) = (call.tensor("x")?, call.tensor("freqs")?);
    let (&[batch, seq, heads, dim], &[rows, 2, half]) = (x.shape(), freqs.shape()) else {
        let expected = "x is not [batch, seq, heads, dim], or freqs not [seq, 2, half]";
        return Err(NativeError::mismatch(expected));
    };
    if rows != seq {
        return Err(NativeError::mismatch("x and freqs differ in seq"));
    }
    if half > dim / 2 {
        return Err(NativeError::refused("2 * half is more than dim"));
    }
    let layout = if bool(call, "interleaved", false)? {
        PairLayout::Interleaved
    } else {
        PairLayout::Half
    };
    let shape = RopeShape {
        batch,
        seq,
        heads,
        dim,
        half,
    };
    let (x, freqs) = (call.input::<T>("x")?, call.input::<f32>("freqs")?);
    native::rope(shape, layout, x, freqs, output(call, "y", x.len())?);
    Ok(())
}

pub(super) fn rope_freqs(call: &mut NativeCall<'_>) -> Outcome {
    let positions = call.input::<i32>("positions")?;
    let half = call.dim("half").and_then(|half| usize::try_from(half).ok());
    let half = half.ok_or_else(|| NativeError::mismatch("it has no dimension of the name half"))?;
    let theta = f32(call, "theta", 10_000.0)?;
    let elements = positions.len().saturating_mul(2).saturating_mul(half);
    native::rope_freqs(positions, half, theta, output(call, "freqs", elements)?);
    Ok(())
}
