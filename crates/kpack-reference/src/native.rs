//! Each kernel as a plain `f32` loop, without SIMD intrinsics: what the compiler makes of it is what
//! a sandboxed kernel's speed is compared with.
//!
//! The results go to a slice that the caller owns. NaN and infinities propagate as the formulas say.

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

pub use attention::{attention, attention_q8};
pub use blocks::{kv_pack_q4, kv_pack_q8, kv_unpack_q4, kv_unpack_q8};
pub use gelu::gelu;
pub use layernorm::layernorm;
pub use lora::lora_apply;
pub use quantized_rows::{dequantize_rows_i8, dequantize_rows_u8, quantize_rows_i8};
pub use rmsnorm::{add_rmsnorm, rmsnorm};
pub use rope::{rope, rope_freqs};
pub use softmax::softmax;
pub use swiglu::swiglu;

use crate::Element;

/// Sixteen sums side by side, so that the compiler may use vectors, and so that few roundings follow
/// one another: a score of an attention is exponentiated, and with eight its error showed.
fn dot<A: Element, B: Element>(a: &[A], b: &[B]) -> f32 {
    let mut sums = [0.0_f32; 16];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<16>(), b.as_chunks::<16>());
    for (a, b) in a.iter().zip(b) {
        for ((sum, &a), &b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a.widen() * b.widen();
        }
    }
    for ((sum, &a), &b) in sums.iter_mut().zip(a_rest).zip(b_rest) {
        *sum += a.widen() * b.widen();
    }
    let mut count = sums.len();
    while count > 1 {
        count /= 2;
        for i in 0..count {
            sums[i] += sums[i + count];
        }
    }
    sums[0]
}

/// A length as a number, exact below 2^24.
#[expect(
    clippy::cast_precision_loss,
    reason = "a row of 16 million elements needs no exact mean"
)]
const fn count(length: usize) -> f32 {
    length as f32
}
