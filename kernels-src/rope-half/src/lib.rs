//! `rope_f16` and `rope_bf16`: turn pairs of elements by tabulated angles, computed in `f32` and rounded
//! once.
//!
//! Su et al., "RoFormer: Enhanced Transformer with Rotary Position Embedding", 2021. All modules give the
//! same bits on every machine.

#![cfg_attr(target_arch = "wasm32", no_std)]

mod rotate;

use kpack_guest::{Bf16, F16, Status, kernel};
use rotate::{Job, Layout, rotate};

/// The kernel `rope_f16`.
///
/// # Errors
///
/// [`Status::InvalidInput`] if the tables are longer than a head: `2 * half > dim`.
#[kernel(
    id = "rope_f16",
    name = "Rotary position embedding of f16",
    category = positional_encoding,
    inputs(x: f16[batch, seq, heads, dim], freqs: f32[seq, 2, half]),
    outputs(y: f16[batch, seq, heads, dim]),
    params(
        /// Which elements of a head are a pair: (i, i + half) if false, (2i, 2i + 1) if true. Elements
        /// from 2 * half on pass through.
        interleaved: bool = false,
    ),
    parallel_dims(batch, seq),
)]
fn rope_f16_forward(
    heads: usize,
    dim: usize,
    half: usize,
    x: &[F16],
    freqs: &[f32],
    y: &mut [F16],
    interleaved: bool,
) -> Result<(), Status> {
    let layout = Layout::from_parameter(interleaved);
    rotate(&mut Job {
        heads,
        dim,
        half,
        layout,
        x,
        freqs,
        y,
    })
}

/// The kernel `rope_bf16`.
///
/// # Errors
///
/// As `rope_f16`.
#[kernel(
    id = "rope_bf16",
    name = "Rotary position embedding of bf16",
    category = positional_encoding,
    inputs(x: bf16[batch, seq, heads, dim], freqs: f32[seq, 2, half]),
    outputs(y: bf16[batch, seq, heads, dim]),
    params(
        /// Which elements of a head are a pair: (i, i + half) if false, (2i, 2i + 1) if true. Elements
        /// from 2 * half on pass through.
        interleaved: bool = false,
    ),
    parallel_dims(batch, seq),
)]
fn rope_bf16_forward(
    heads: usize,
    dim: usize,
    half: usize,
    x: &[Bf16],
    freqs: &[f32],
    y: &mut [Bf16],
    interleaved: bool,
) -> Result<(), Status> {
    let layout = Layout::from_parameter(interleaved);
    rotate(&mut Job {
        heads,
        dim,
        half,
        layout,
        x,
        freqs,
        y,
    })
}
