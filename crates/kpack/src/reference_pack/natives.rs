//! The native loops of kpack-reference as native kernels.

use kpack_exec::Element;
use kpack_reference::{PairLayout, RopeShape, native};
use kpack_schema::ParamValue;

use crate::native::{NativeCall, NativeError};

type Outcome = Result<(), NativeError>;

type Native = fn(&mut NativeCall<'_>) -> Outcome;

/// Each loop with the id under which packs name it. A further one is a line.
pub(super) const NATIVES: &[(&str, Native)] = &[
    ("rmsnorm_reference", rmsnorm),
    ("rope_reference", rope),
    ("rope_freqs_reference", rope_freqs),
    ("swiglu_reference", swiglu),
];

fn rmsnorm(call: &mut NativeCall<'_>) -> Outcome {
    let (x, weight) = (call.input::<f32>("x")?, call.input::<f32>("weight")?);
    let (eps, offset) = (f32(call, "eps", 1e-5)?, f32(call, "weight_offset", 0.0)?);
    if !x.len().is_multiple_of(weight.len().max(1)) {
        return Err(NativeError::mismatch("x is no whole number of weights"));
    }
    native::rmsnorm(x, weight, eps, offset, output(call, "y", x.len())?);
    Ok(())
}

fn swiglu(call: &mut NativeCall<'_>) -> Outcome {
    let (gate, up) = (call.input::<f32>("gate")?, call.input::<f32>("up")?);
    if gate.len() != up.len() {
        return Err(NativeError::mismatch("gate and up differ in length"));
    }
    native::swiglu(gate, up, output(call, "y", gate.len())?);
    Ok(())
}

fn rope(call: &mut NativeCall<'_>) -> Outcome {
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
    let layout = match call.param("interleaved") {
        Some(ParamValue::Bool(true)) => PairLayout::Interleaved,
        _ => PairLayout::Half,
    };
    let shape = RopeShape {
        batch,
        seq,
        heads,
        dim,
        half,
    };
    let (x, freqs) = (call.input::<f32>("x")?, call.input::<f32>("freqs")?);
    native::rope(shape, layout, x, freqs, output(call, "y", x.len())?);
    Ok(())
}

fn rope_freqs(call: &mut NativeCall<'_>) -> Outcome {
    let positions = call.input::<i32>("positions")?;
    let half = call.dim("half").and_then(|half| usize::try_from(half).ok());
    let half = half.ok_or_else(|| NativeError::mismatch("it has no dimension of the name half"))?;
    let theta = f32(call, "theta", 10_000.0)?;
    let elements = positions.len().saturating_mul(2).saturating_mul(half);
    native::rope_freqs(positions, half, theta, output(call, "freqs", elements)?);
    Ok(())
}

/// The output of that name, which has so many elements.
fn output<'c, T: Element>(
    call: &'c mut NativeCall<'_>,
    name: &str,
    elements: usize,
) -> Result<&'c mut [T], NativeError> {
    let output = call.output_mut(name)?;
    if output.len() != elements {
        let reason = format!("output {name} has another number of elements than {elements}");
        return Err(NativeError::mismatch(reason));
    }
    Ok(output)
}

/// A parameter that kernels of this formula may lack.
fn f32(call: &NativeCall<'_>, name: &str, default: f32) -> Result<f32, NativeError> {
    match call.param(name) {
        Some(ParamValue::F32(value)) => Ok(value),
        Some(_) => Err(NativeError::mismatch(format!("parameter {name} is no f32"))),
        None => Ok(default),
    }
}
