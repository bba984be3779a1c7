//! `quantize_rows_i8`, `dequantize_rows_i8` and `dequantize_rows_u8`: rows of 8-bit integers with a scale
//! each, and back.
//!
//! All modules give the same bits on every machine. A row that holds NaN or an infinity has such a scale,
//! and zeros.

#![cfg_attr(target_arch = "wasm32", no_std)]

mod convert;
mod quantize;

use kpack_guest::kernel;
use kpack_guest::simd::{f32x4_mul, f32x4_splat, f32x4_sub, load_i8x16, load_u8x16};

/// The kernel `quantize_rows_i8`: `scale = max |x| / 127`, `q = round(x / scale)`, half away from zero.
#[kernel(
    id = "quantize_rows_i8",
    name = "Rows of i8 with a scale each",
    category = kv_cache,
    inputs(x: f32[rows, width]),
    outputs(q: i8[rows, width], scale: f32[rows]),
    parallel_dims(rows),
)]
fn quantize_rows_i8_forward(width: usize, x: &[f32], q: &mut [i8], scale: &mut [f32]) {
    let rows = x.chunks_exact(width).zip(q.chunks_exact_mut(width));
    for ((x, q), scale) in rows.zip(scale) {
        *scale = quantize::row(x, q);
    }
}

/// The kernel `dequantize_rows_i8`: `y = q * scale`.
#[kernel(
    id = "dequantize_rows_i8",
    name = "f32 from rows of i8",
    category = kv_cache,
    inputs(q: i8[rows, width], scale: f32[rows]),
    outputs(y: f32[rows, width]),
    parallel_dims(rows),
)]
fn dequantize_rows_i8_forward(width: usize, q: &[i8], scale: &[f32], y: &mut [f32]) {
    let rows = q.chunks_exact(width).zip(y.chunks_exact_mut(width));
    for ((q, y), &scale) in rows.zip(scale) {
        let factor = f32x4_splat(scale);
        // SAFETY: `row` gives 16 readable elements.
        let load = |at| unsafe { load_i8x16(at) };
        convert::row(q, y, load, |q| f32x4_mul(q, factor));
    }
}

/// The kernel `dequantize_rows_u8`: `y = (q - zero_point) * scale`.
#[kernel(
    id = "dequantize_rows_u8",
    name = "f32 from rows of u8 with a zero point each",
    category = kv_cache,
    inputs(q: u8[rows, width], scale: f32[rows], zero_point: f32[rows]),
    outputs(y: f32[rows, width]),
    parallel_dims(rows),
)]
fn dequantize_rows_u8_forward(
    width: usize,
    q: &[u8],
    scale: &[f32],
    zero_point: &[f32],
    y: &mut [f32],
) {
    let rows = q.chunks_exact(width).zip(y.chunks_exact_mut(width));
    for ((q, y), (&scale, &zero_point)) in rows.zip(scale.iter().zip(zero_point)) {
        let (factor, zero) = (f32x4_splat(scale), f32x4_splat(zero_point));
        // SAFETY: `row` gives 16 readable elements.
        let load = |at| unsafe { load_u8x16(at) };
        convert::row(q, y, load, |q| f32x4_mul(f32x4_sub(q, zero), factor));
    }
}
