//! `rmsnorm_f32`: `y = x / sqrt(mean(x^2) + eps) * (weight + weight_offset)`, row by row.
//!
//! Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019. `weight_offset` is 1 for models
//! that store the weight's distance from one (Gemma).
//!
//! The baseline and the SIMD variant give the same bits on every machine. There is none for relaxed
//! SIMD: fused multiply-add makes this kernel 2% faster, which is not worth that.

#![no_std]

mod fast;
mod wide;

use guest::{Call, ParamCursor, Status, elements};

const ROWS: u32 = 0;
const HIDDEN: u32 = 4;
const EPS: (u32, ParamCursor) = ParamCursor::after_symbols(2).place(4);
const WEIGHT_OFFSET: (u32, ParamCursor) = EPS.1.place(4);
const PARAMS_SIZE: usize = WEIGHT_OFFSET.1.end() as usize;

/// The entry point: inputs `x` [rows, hidden] and `weight` [hidden], output `y` [rows, hidden].
#[unsafe(no_mangle)]
pub extern "C" fn rmsnorm_forward(descriptor: u32) -> i32 {
    guest::run(descriptor, forward)
}

fn forward(call: &Call) -> Result<(), Status> {
    let params = call.params::<PARAMS_SIZE>()?;
    let (rows, hidden) = (params.u32(ROWS), params.u32(HIDDEN));
    let eps = params.f32(EPS.0);
    if !(eps >= 0.0 && eps.is_finite()) {
        return Err(Status::InvalidParams);
    }
    let count = elements(&[rows, hidden]);
    let x = call.input_a::<f32>(count)?;
    let weight = call.input_b::<f32>(elements(&[hidden]))?;
    let y = call.output::<f32>(count)?;
    let row_length = hidden as usize;
    for row in 0..rows as usize {
        // SAFETY: x and y hold rows * hidden elements, so each row's pointers are valid for
        // `hidden` elements; `weight` holds `hidden` of them.
        unsafe {
            let row = Row {
                x: x.add(row * row_length),
                weight,
                y: y.add(row * row_length),
                length: row_length,
                eps,
                weight_offset: params.f32(WEIGHT_OFFSET.0),
            };
            normalize(&row);
        }
    }
    Ok(())
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
    use guest::simd::{f32x4_extract_lane, f32x4_splat, f32x4_sqrt};
    f32x4_extract_lane::<0>(f32x4_sqrt(f32x4_splat(value)))
}
