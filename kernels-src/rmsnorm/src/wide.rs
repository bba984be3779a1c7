//! The path of rows whose squares do not fit `f32`: all in `f64`, one element at a time.
//!
//! Rare (elements beyond 1e18 or so, or an `eps` of next to nothing under tiny elements), so it is
//! kept small. Infinities and NaN come out as the formula says: NaN in a row makes all of it NaN, an
//! infinity makes itself NaN and the rest of its row a signed zero.

use crate::Row;

/// # Safety
///
/// The pointers of `row` are valid as [`Row`] says.
#[cold]
#[inline(never)]
pub(crate) unsafe fn normalize(row: &Row) {
    let Row {
        x,
        weight,
        y,
        length,
        eps,
        weight_offset,
    } = *row;
    let mut sum = 0.0;
    for at in 0..length {
        // SAFETY: at < length.
        let value = f64::from(unsafe { *x.add(at) });
        sum += value * value;
    }
    let inverse = 1.0 / sqrt(sum / length as f64 + f64::from(eps));
    for at in 0..length {
        // SAFETY: at < length.
        unsafe {
            let weight = f64::from(*weight.add(at)) + f64::from(weight_offset);
            *y.add(at) = round(f64::from(*x.add(at)) * inverse * weight);
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "rounding to the output's type is meant"
)]
const fn round(value: f64) -> f32 {
    value as f32
}

fn sqrt(value: f64) -> f64 {
    use kpack_guest::simd::{f64x2_extract_lane, f64x2_splat, f64x2_sqrt};
    f64x2_extract_lane::<0>(f64x2_sqrt(f64x2_splat(value)))
}
