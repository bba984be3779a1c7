//! `rmsnorm_f32`: `y = x / sqrt(mean(x^2) + eps) * (weight + weight_offset)`, row by row;
//! `add_rmsnorm_f32`: the same of a sum, which it gives too.
//!
//! Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019. `weight_offset` is 1 for models
//! that store the weight's distance from one (Gemma).
//!
//! The baseline and the SIMD variant give the same bits on every machine. There is none for relaxed
//! SIMD: fused multiply-add makes this kernel 2% faster, which is not worth that.

#![cfg_attr(target_arch = "wasm32", no_std)]

mod add;
mod fast;
mod wide;

use kpack_guest::kernel;

/// The kernel: `x` and `y` are rows of `hidden` elements, `weight` is one.
#[kernel(
    id = "rmsnorm_f32",
    name = "Root mean square normalisation",
    category = normalization,
    inputs(x: f32[rows, hidden], weight: f32[hidden]),
    outputs(y: f32[rows, hidden]),
    params(
        /// Added to the mean of squares before the root.
        eps: f32 = 1e-5 in 0.0..=1.0,
        /// Added to each weight: 1 for models that store the weight's distance from one (Gemma).
        weight_offset: f32 = 0.0,
    ),
    parallel_dims(rows),
)]
fn rmsnorm_forward(
    rows: usize,
    hidden: usize,
    x: &[f32],
    weight: &[f32],
    y: &mut [f32],
    eps: f32,
    weight_offset: f32,
) {
    for row in 0..rows {
        // SAFETY: x and y hold rows * hidden elements, so each row's pointers are valid for
        // `hidden` elements; `weight` holds `hidden` of them.
        unsafe {
            let row = Row {
                x: x.as_ptr().add(row * hidden),
                weight: weight.as_ptr(),
                y: y.as_mut_ptr().add(row * hidden),
                length: hidden,
                eps,
                weight_offset,
            };
            normalize(&row);
        }
    }
}

/// The kernel `add_rmsnorm_f32`: `x`, `residual`, `y` and `sum` are rows of `hidden` elements, `weight`
/// is one.
#[kernel(
    id = "add_rmsnorm_f32",
    name = "Root mean square normalisation of a sum",
    category = normalization,
    inputs(x: f32[rows, hidden], residual: f32[rows, hidden], weight: f32[hidden]),
    outputs(y: f32[rows, hidden], sum: f32[rows, hidden]),
    params(
        /// Added to the mean of squares before the root.
        eps: f32 = 1e-5 in 0.0..=1.0,
        /// Added to each weight: 1 for models that store the weight's distance from one (Gemma).
        weight_offset: f32 = 0.0,
    ),
    parallel_dims(rows),
)]
fn add_rmsnorm_forward(
    rows: usize,
    hidden: usize,
    x: &[f32],
    residual: &[f32],
    weight: &[f32],
    y: &mut [f32],
    sum: &mut [f32],
    eps: f32,
    weight_offset: f32,
) {
    for row in 0..rows {
        // SAFETY: x, residual, y and sum hold rows * hidden elements, so each row's pointers are valid
        // for `hidden` elements; `weight` holds `hidden` of them.
        unsafe {
            let at = row * hidden;
            let sum = sum.as_mut_ptr().add(at);
            add::add(x.as_ptr().add(at), residual.as_ptr().add(at), sum, hidden);
            let row = Row {
                x: sum,
                weight: weight.as_ptr(),
                y: y.as_mut_ptr().add(at),
                length: hidden,
                eps,
                weight_offset,
            };
            normalize(&row);
        }
    }
}

/// One row: `x` and `weight` are valid for reading `length` elements, `y` for writing as many.
#[derive(Clone, Copy)]
struct Row {
    x: *const f32,
    weight: *const f32,
    y: *mut f32,
    length: usize,
    eps: f32,
    weight_offset: f32,
}

/// # Safety
///
/// The pointers of `row` are valid as [`Row`] says.
#[inline(always)]
unsafe fn normalize(row: &Row) {
    // SAFETY: passed on to the caller.
    unsafe {
        let variance = fast::sum_of_squares(row) / row.length as f32 + row.eps;
        if SAFE_VARIANCE.contains(&variance) {
            fast::scale(row, 1.0 / sqrt(variance));
        } else {
            wide::normalize(row);
        }
    }
}

/// Where the mean of squares is right in `f32`: squares neither overflowed nor vanished. Outside, and
/// for NaN, the row is done again in `f64`, which holds the square of any `f32`.
const SAFE_VARIANCE: core::ops::RangeInclusive<f32> = 1e-30..=1e37;

fn sqrt(value: f32) -> f32 {
    use kpack_guest::simd::{f32x4_extract_lane, f32x4_splat, f32x4_sqrt};
    f32x4_extract_lane::<0>(f32x4_sqrt(f32x4_splat(value)))
}
