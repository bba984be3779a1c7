//! `rmsnorm_f16` and `rmsnorm_bf16`: `y = x / sqrt(mean(x^2) + eps) * (weight + weight_offset)`, row by
//! row, computed in `f32` and rounded once.
//!
//! Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019. All modules give the same bits on
//! every machine.

#![cfg_attr(target_arch = "wasm32", no_std)]

use kpack_guest::simd::{f32x4_add, f32x4_mul, f32x4_splat};
use kpack_guest::{Bf16, F16, kernel};
use numeric::wide::{self, Centre, SAFE_VARIANCE, inverse_root};
use numeric::{Number, map, sum, widen};

/// The kernel `rmsnorm_f16`.
#[kernel(
    id = "rmsnorm_f16",
    name = "Root mean square normalisation of f16",
    category = normalization,
    inputs(x: f16[rows, hidden], weight: f16[hidden]),
    outputs(y: f16[rows, hidden]),
    scratch(f32[hidden*2]),
    params(
        /// Added to the mean of squares before the root.
        eps: f32 = 1e-5 in 0.0..=1.0,
        /// Added to each weight: 1 for models that store the weight's distance from one (Gemma).
        weight_offset: f32 = 0.0,
    ),
    parallel_dims(rows),
)]
fn rmsnorm_f16_forward(
    x: &[F16],
    weight: &[F16],
    y: &mut [F16],
    scratch: &mut [f32],
    eps: f32,
    weight_offset: f32,
) {
    normalize(x, weight, y, scratch, eps, weight_offset);
}

/// The kernel `rmsnorm_bf16`.
#[kernel(
    id = "rmsnorm_bf16",
    name = "Root mean square normalisation of bf16",
    category = normalization,
    inputs(x: bf16[rows, hidden], weight: bf16[hidden]),
    outputs(y: bf16[rows, hidden]),
    scratch(f32[hidden*2]),
    params(
        /// Added to the mean of squares before the root.
        eps: f32 = 1e-5 in 0.0..=1.0,
        /// Added to each weight: 1 for models that store the weight's distance from one (Gemma).
        weight_offset: f32 = 0.0,
    ),
    parallel_dims(rows),
)]
fn rmsnorm_bf16_forward(
    x: &[Bf16],
    weight: &[Bf16],
    y: &mut [Bf16],
    scratch: &mut [f32],
    eps: f32,
    weight_offset: f32,
) {
    normalize(x, weight, y, scratch, eps, weight_offset);
}

/// `scratch` holds the weights, and a row, as `f32`: none is converted twice.
#[inline(always)]
fn normalize<T: Number>(
    x: &[T],
    weight: &[T],
    y: &mut [T],
    scratch: &mut [f32],
    eps: f32,
    weight_offset: f32,
) {
    let hidden = weight.len();
    let (weights, row) = scratch.split_at_mut(hidden);
    let offset = f32x4_splat(weight_offset);
    // SAFETY: both hold `hidden` elements.
    unsafe {
        widen(weight.as_ptr(), weights.as_mut_ptr(), hidden, |weight| {
            f32x4_add(weight, offset)
        });
    }
    for (x, y) in x.chunks_exact(hidden).zip(y.chunks_exact_mut(hidden)) {
        // SAFETY: x, y, row and weights hold `hidden` elements each.
        unsafe {
            let row = row.as_mut_ptr();
            widen(x.as_ptr(), row, hidden, |x| x);
            let squares = sum(row, hidden, |x| f32x4_mul(x, x));
            let variance = squares / hidden as f32 + eps;
            let inverse = if SAFE_VARIANCE.contains(&variance) {
                inverse_root(variance)
            } else {
                wide::normalize(row, row, hidden, eps, Centre::Zero);
                1.0
            };
            let factor = f32x4_splat(inverse);
            map(
                [row.cast_const(), weights.as_ptr()],
                y.as_mut_ptr(),
                hidden,
                |[x, weight]| f32x4_mul(f32x4_mul(x, factor), weight),
            );
        }
    }
}
