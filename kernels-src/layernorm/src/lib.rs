//! `layernorm_f32` and `layernorm_f16`: `y = (x - mean) / sqrt(variance + eps) * weight + bias`, row by
//! row, computed in `f32` and rounded once.
//!
//! Ba, Kiros and Hinton, "Layer Normalization", 2016. The variance is that of the distances from the
//! mean, which keep their digits where the mean is large. All modules give the same bits on every
//! machine.

#![cfg_attr(target_arch = "wasm32", no_std)]

use kpack_guest::simd::{f32x4_add, f32x4_mul, f32x4_splat, f32x4_sub};
use kpack_guest::{F16, kernel};
use numeric::wide::{self, Centre, SAFE_VARIANCE, inverse_root};
use numeric::{Number, map, sum, widen};

/// The kernel `layernorm_f32`.
#[kernel(
    id = "layernorm_f32",
    name = "Layer normalisation",
    category = normalization,
    inputs(x: f32[rows, hidden], weight: f32[hidden], bias: f32[hidden]),
    outputs(y: f32[rows, hidden]),
    scratch(f32[hidden*3]),
    params(
        /// Added to the variance before the root.
        eps: f32 = 1e-5 in 0.0..=1.0,
    ),
    parallel_dims(rows),
)]
fn layernorm_f32_forward(
    x: &[f32],
    weight: &[f32],
    bias: &[f32],
    y: &mut [f32],
    scratch: &mut [f32],
    eps: f32,
) {
    normalize(x, weight, bias, y, scratch, eps);
}

/// The kernel `layernorm_f16`.
#[kernel(
    id = "layernorm_f16",
    name = "Layer normalisation of f16",
    category = normalization,
    inputs(x: f16[rows, hidden], weight: f16[hidden], bias: f16[hidden]),
    outputs(y: f16[rows, hidden]),
    scratch(f32[hidden*3]),
    params(
        /// Added to the variance before the root.
        eps: f32 = 1e-5 in 0.0..=1.0,
    ),
    parallel_dims(rows),
)]
fn layernorm_f16_forward(
    x: &[F16],
    weight: &[F16],
    bias: &[F16],
    y: &mut [F16],
    scratch: &mut [f32],
    eps: f32,
) {
    normalize(x, weight, bias, y, scratch, eps);
}

/// `scratch` holds a row less its mean, and for halves the weights and biases, as `f32`.
#[inline(always)]
fn normalize<T: Number>(
    x: &[T],
    weight: &[T],
    bias: &[T],
    y: &mut [T],
    scratch: &mut [f32],
    eps: f32,
) {
    let hidden = weight.len();
    let (row, rest) = scratch.split_at_mut(hidden);
    let (weights, biases) = rest.split_at_mut(hidden);
    // SAFETY: all hold `hidden` elements.
    unsafe {
        widen(weight.as_ptr(), weights.as_mut_ptr(), hidden, |weight| {
            weight
        });
        widen(bias.as_ptr(), biases.as_mut_ptr(), hidden, |bias| bias);
    }
    for (x, y) in x.chunks_exact(hidden).zip(y.chunks_exact_mut(hidden)) {
        // SAFETY: x, y, row, weights and biases hold `hidden` elements each.
        unsafe {
            let row = row.as_mut_ptr();
            let inverse = centre(x, row, eps);
            let factor = f32x4_splat(inverse);
            let inputs = [row.cast_const(), weights.as_ptr(), biases.as_ptr()];
            map(inputs, y.as_mut_ptr(), hidden, |[x, weight, bias]| {
                f32x4_add(f32x4_mul(f32x4_mul(x, factor), weight), bias)
            });
        }
    }
}

/// Writes the distances of the elements from their mean to `row`, and gives the inverse of their
/// standard deviation.
///
/// # Safety
///
/// `row` is valid for reading and writing as many elements as `x` has.
#[inline(always)]
unsafe fn centre<T: Number>(x: &[T], row: *mut f32, eps: f32) -> f32 {
    let hidden = x.len();
    let count = hidden as f32;
    // SAFETY: passed on to the caller.
    unsafe {
        widen(x.as_ptr(), row, hidden, |x| x);
        let near = sum(row, hidden, |x| x) / count;
        // What the first sum lost in rounding: without it, a row of one large number would be taken for
        // one of distances as large as its last digit.
        let lost = sum(row, hidden, |x| f32x4_sub(x, f32x4_splat(near))) / count;
        let mean = f32x4_splat(near + lost);
        let squares = sum(row, hidden, |x| {
            let distance = f32x4_sub(x, mean);
            f32x4_mul(distance, distance)
        });
        let variance = squares / count + eps;
        if SAFE_VARIANCE.contains(&variance) {
            widen(row, row, hidden, |x| f32x4_sub(x, mean));
            return inverse_root(variance);
        }
        wide::normalize(row, row, hidden, eps, Centre::Mean);
        1.0
    }
}
