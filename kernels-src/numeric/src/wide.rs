//! Rows whose numbers leave the range of `f32` on the way: all in `f64`, one element at a time.
//!
//! Rare (elements beyond 1e18 or so, or an `eps` of next to nothing under tiny elements), so it is
//! kept small. Infinities and NaN come out as the formulas say.

use kpack_guest::simd::{
    f32x4_extract_lane, f32x4_splat, f32x4_sqrt, f64x2_extract_lane, f64x2_splat, f64x2_sqrt,
};

/// Where a mean of squares is right in `f32`: squares neither overflowed nor vanished. Outside, and for
/// NaN, the row is done again in `f64`, which holds the square of any `f32`.
pub const SAFE_VARIANCE: core::ops::RangeInclusive<f32> = 1e-30..=1e37;

/// `1 / sqrt(value)`, each rounded as `f32`.
#[must_use]
#[inline(always)]
pub fn inverse_root(value: f32) -> f32 {
    1.0 / f32x4_extract_lane::<0>(f32x4_sqrt(f32x4_splat(value)))
}

/// Writes `(x - mean) / sqrt(mean((x - mean)^2) + eps)` to `y`, where the mean is 0 or the
/// row's.
///
/// # Safety
///
/// `x` is valid for reading `length` elements, `y` for writing as many; they may be the same.
#[cold]
#[inline(never)]
pub unsafe fn normalize(x: *const f32, y: *mut f32, length: usize, eps: f32, centre: Centre) {
    let mean_of = |term: &dyn Fn(f64) -> f64| {
        let mut sum = 0.0;
        for at in 0..length {
            // SAFETY: at < length.
            sum += term(f64::from(unsafe { *x.add(at) }));
        }
        sum / length as f64
    };
    let mean = match centre {
        Centre::Zero => 0.0,
        Centre::Mean => mean_of(&|x| x),
    };
    let variance = mean_of(&|x| (x - mean) * (x - mean)) + f64::from(eps);
    let inverse = 1.0 / f64x2_extract_lane::<0>(f64x2_sqrt(f64x2_splat(variance)));
    for at in 0..length {
        // SAFETY: at < length.
        unsafe { *y.add(at) = round((f64::from(*x.add(at)) - mean) * inverse) };
    }
}

/// What a row's distances are from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Centre {
    /// Zero: root mean square normalisation.
    Zero,
    /// The row's mean: layer normalisation.
    Mean,
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "rounding to the output's type is meant"
)]
const fn round(value: f64) -> f32 {
    value as f32
}
