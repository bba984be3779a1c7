//! `attention_f32` and `attention_q8`: for each query and head the values' mean, weighted by
//! `softmax(scale * q . k)` over the keys that the query sees.
//!
//! Vaswani et al., "Attention Is All You Need", 2017, equation 1; with shared keys and values as in
//! Ainslie et al., "GQA", 2023. The scores are never in memory: keys and values are read once, block by
//! block, and what was summed is scaled whenever a larger score comes (Milakov and Gimelshein, "Online
//! normalizer calculation for softmax", 2018). The relaxed SIMD variant fuses multiplications and additions
//! where the machine can, so that its last bits may differ from machine to machine.

#![cfg_attr(target_arch = "wasm32", no_std)]

mod attend;
mod blocks;
mod dense;

use attend::{Attention, Shape, attend};
use blocks::Blocks;
use dense::Dense;
use kpack_guest::{Q8Block, Status, kernel};

/// The kernel `attention_f32`.
///
/// # Errors
///
/// [`Status::InvalidInput`] if `heads` is no multiple of `kv_heads`, or there are fewer keys than queries
/// under a causal mask.
#[kernel(
    id = "attention_f32",
    name = "Scaled dot-product attention",
    category = attention,
    inputs(
        q: f32[q_seq, heads, dim],
        k: f32[kv_seq, kv_heads, dim],
        v: f32[kv_seq, kv_heads, dim],
    ),
    outputs(y: f32[q_seq, heads, dim]),
    scratch(f32[q_seq, heads*2]),
    params(
        /// Whether query i sees the keys 0 to kv_seq - q_seq + i only.
        causal: bool = true,
        /// What scores are multiplied with; 0 stands for 1 / sqrt(dim).
        scale: f32 = 0.0,
    ),
)]
fn attention_f32_forward(
    q_seq: usize,
    heads: usize,
    dim: usize,
    kv_seq: usize,
    kv_heads: usize,
    q: &[f32],
    k: &[f32],
    v: &[f32],
    y: &mut [f32],
    scratch: &mut [f32],
    causal: bool,
    scale: f32,
) -> Result<(), Status> {
    let shape = Shape::checked(q_seq, heads, dim, kv_seq, kv_heads, causal)?;
    let cache = Dense {
        k,
        v,
        kv_heads,
        dim,
    };
    attend(&mut Attention::new(shape, scale, q, y, scratch), &cache);
    Ok(())
}

/// The kernel `attention_q8`: as `attention_f32`, over keys and values in blocks of Q8_0.
///
/// # Errors
///
/// As `attention_f32`.
#[kernel(
    id = "attention_q8",
    name = "Scaled dot-product attention over a quantised cache",
    category = attention,
    inputs(
        q: f32[q_seq, heads, dim],
        k: q8[kv_seq, kv_heads, dim],
        v: q8[kv_seq, kv_heads, dim],
    ),
    outputs(y: f32[q_seq, heads, dim]),
    scratch(f32[q_seq, heads*2]),
    params(
        /// Whether query i sees the keys 0 to kv_seq - q_seq + i only.
        causal: bool = true,
        /// What scores are multiplied with; 0 stands for 1 / sqrt(dim).
        scale: f32 = 0.0,
    ),
)]
fn attention_q8_forward(
    q_seq: usize,
    heads: usize,
    dim: usize,
    kv_seq: usize,
    kv_heads: usize,
    q: &[f32],
    k: &[Q8Block],
    v: &[Q8Block],
    y: &mut [f32],
    scratch: &mut [f32],
    causal: bool,
    scale: f32,
) -> Result<(), Status> {
    let shape = Shape::checked(q_seq, heads, dim, kv_seq, kv_heads, causal)?;
    let cache = Blocks {
        k,
        v,
        kv_heads,
        dim,
    };
    attend(&mut Attention::new(shape, scale, q, y, scratch), &cache);
    Ok(())
}
