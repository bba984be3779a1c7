//! Rotary position embedding: `rope_f32` turns pairs of elements by tabulated angles,
//! `rope_freqs_f32` makes the tables.
//!
//! Su et al., "RoFormer: Enhanced Transformer with Rotary Position Embedding", 2021.
//!
//! The baseline and the SIMD variant give the same bits on every machine. The relaxed SIMD variant
//! fuses multiplications and additions where the machine can, so that its last bits may differ from
//! machine to machine; the tables of `rope_freqs_f32` are the same in all three.

#![cfg_attr(target_arch = "wasm32", no_std)]

mod freqs;
mod pairs;
mod rotate;
mod sincos;

use kpack_guest::{Status, kernel};

/// The kernel `rope_f32`.
///
/// # Errors
///
/// [`Status::InvalidInput`] if the tables are longer than a head: `2 * half > dim`.
#[kernel(
    id = "rope_f32",
    name = "Rotary position embedding",
    category = positional_encoding,
    inputs(x: f32[batch, seq, heads, dim], freqs: f32[seq, 2, half]),
    outputs(y: f32[batch, seq, heads, dim]),
    params(
        /// Which elements of a head are a pair: (i, i + half) if false, (2i, 2i + 1) if true. Elements
        /// from 2 * half on pass through.
        interleaved: bool = false,
    ),
    parallel_dims(batch, seq),
)]
fn rope_forward(
    batch: usize,
    seq: usize,
    heads: usize,
    dim: usize,
    half: usize,
    x: &[f32],
    freqs: &[f32],
    y: &mut [f32],
    interleaved: bool,
) -> Result<(), Status> {
    if half > dim / 2 {
        return Err(Status::InvalidInput);
    }
    let job = rotate::Job {
        x: x.as_ptr(),
        freqs: freqs.as_ptr(),
        y: y.as_mut_ptr(),
        batch,
        seq,
        heads,
        dim,
        half,
    };
    // SAFETY: the three tensors have the sizes that `Job` names, and 2 * half <= dim.
    unsafe {
        if interleaved {
            rotate::rotate::<pairs::Interleaved>(&job);
        } else {
            rotate::rotate::<pairs::Half>(&job);
        }
    }
    Ok(())
}

/// The kernel `rope_freqs_f32`.
#[kernel(
    id = "rope_freqs_f32",
    name = "Rotary position embedding tables",
    category = positional_encoding,
    inputs(positions: i32[seq]),
    outputs(freqs: f32[seq, 2, half]),
    params(
        /// Pairs that are rotated in each head: half of the rotary dimension.
        half: u32 in 1..=1_048_576,
        /// The base: pair i turns by position * theta^(-i / half).
        theta: f32 = 10000.0 in 1.0..,
    ),
    parallel_dims(seq),
)]
fn rope_freqs_forward(seq: usize, half: usize, positions: &[i32], freqs: &mut [f32], theta: f32) {
    // SAFETY: `positions` holds seq elements and `freqs` seq * 2 * half; theta is at least 1.
    unsafe {
        freqs::tabulate(
            positions.as_ptr(),
            freqs.as_mut_ptr(),
            seq,
            half,
            f64::from(theta),
        )
    };
}
