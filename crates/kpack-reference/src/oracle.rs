//! Each formula in `f64`: inputs are what the kernels get, results are not rounded.
//!
//! Rounding to `f32` is left to the caller, who can then see an error smaller than one unit in the
//! last place. Where `f64` itself is the limit (sums, sine and cosine), its error is some 1e-16 of
//! the terms, a billionth of what `f32` can show.
//!
//! Quantised blocks and rows are the exception: their bytes are defined by `f32` arithmetic, which is
//! written out here step by step.

mod attention;
mod blocks;
mod gelu;
mod layernorm;
mod lora;
mod quantized_rows;
mod rmsnorm;
mod rope;
mod softmax;
mod swiglu;

pub use attention::attention;
pub use blocks::{q4_block, q4_values, q8_block, q8_values};
pub use gelu::gelu;
pub use layernorm::layernorm;
pub use lora::lora_apply;
pub use quantized_rows::{dequantize_rows_i8, dequantize_rows_u8, quantize_rows_i8};
pub use rmsnorm::{add_rmsnorm, rmsnorm};
pub use rope::{rope, rope_freqs};
pub use softmax::softmax;
pub use swiglu::swiglu;

/// A length as a number; exact, for no slice has 2^53 elements.
#[expect(clippy::cast_precision_loss, reason = "lengths are below 2^53")]
const fn count(length: usize) -> f64 {
    length as f64
}
