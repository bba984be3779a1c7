//! The native loops of kpack-reference as native kernels.

mod activations;
mod adapters;
mod attention;
mod caches;
mod norms;
mod rope;

use kpack_exec::Element;
use kpack_schema::{DataType, ParamValue};

use crate::native::{NativeCall, NativeError};

type Outcome = Result<(), NativeError>;

type Native = fn(&mut NativeCall<'_>) -> Outcome;

/// Each loop with the id under which packs name it. A further one is a line. One of several data types
/// goes by that of its first input.
pub(super) const NATIVES: &[(&str, Native)] = &[
    ("add_rmsnorm_reference", norms::add_rmsnorm),
    ("attention_q8_reference", attention::attention_q8),
    ("attention_reference", attention::attention),
    ("dequantize_rows_i8_reference", caches::dequantize_rows_i8),
    ("dequantize_rows_u8_reference", caches::dequantize_rows_u8),
    ("gelu_reference", activations::gelu),
    ("kv_pack_q4_reference", caches::kv_pack_q4),
    ("kv_pack_q8_reference", caches::kv_pack_q8),
    ("kv_unpack_q4_reference", caches::kv_unpack_q4),
    ("kv_unpack_q8_reference", caches::kv_unpack_q8),
    ("layernorm_reference", norms::layernorm),
    ("lora_apply_reference", adapters::lora_apply),
    ("quantize_rows_i8_reference", caches::quantize_rows_i8),
    ("rmsnorm_reference", norms::rmsnorm),
    ("rope_freqs_reference", rope::rope_freqs),
    ("rope_reference", rope::rope),
    ("softmax_reference", activations::softmax),
    ("swiglu_reference", activations::swiglu),
];

/// A type that kernels compute with in `f32`.
trait Number: Element + kpack_reference::Element {}

impl<T: Element + kpack_reference::Element> Number for T {}

/// Runs the loop of the data type that an input has.
fn by_dtype(call: &mut NativeCall<'_>, input: &str, loops: [Native; 3]) -> Outcome {
    let [of_f32, of_f16, of_bf16] = loops;
    match call.tensor(input)?.dtype() {
        DataType::F32 => of_f32(call),
        DataType::F16 => of_f16(call),
        DataType::Bf16 => of_bf16(call),
        other => Err(NativeError::mismatch(format!("input {input} is {other}"))),
    }
}

/// What [`by_dtype`] takes.
macro_rules! loops {
    ($loop:ident) => {
        [$loop::<f32>, $loop::<f16>, $loop::<bf16>]
    };
}
use loops;

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

/// The elements of an input, which has so many.
fn input<'a, T: Element>(
    call: &NativeCall<'a>,
    name: &str,
    elements: usize,
) -> Result<&'a [T], NativeError> {
    let input = call.input(name)?;
    if input.len() != elements {
        let reason = format!("input {name} has another number of elements than {elements}");
        return Err(NativeError::mismatch(reason));
    }
    Ok(input)
}

/// A parameter that kernels of this formula may lack.
fn f32(call: &NativeCall<'_>, name: &str, default: f32) -> Result<f32, NativeError> {
    match call.param(name) {
        Some(ParamValue::F32(value)) => Ok(value),
        Some(_) => Err(NativeError::mismatch(format!("parameter {name} is no f32"))),
        None => Ok(default),
    }
}

/// A parameter that kernels of this formula may lack.
fn bool(call: &NativeCall<'_>, name: &str, default: bool) -> Result<bool, NativeError> {
    match call.param(name) {
        Some(ParamValue::Bool(value)) => Ok(value),
        Some(_) => Err(NativeError::mismatch(format!(
            "parameter {name} is no bool"
        ))),
        None => Ok(default),
    }
}
