//! What quantisation needs: lanes as integers, and rounding to one.

use kpack_guest::simd::{
    f32x4_add, f32x4_splat, i32x4_extract_lane, i32x4_splat, v128, v128_and, v128_or,
};

/// The largest of the lanes as signed integers.
#[must_use]
#[inline(always)]
pub fn largest_lane(value: v128) -> i32 {
    let low = i32x4_extract_lane::<0>(value).max(i32x4_extract_lane::<1>(value));
    let high = i32x4_extract_lane::<2>(value).max(i32x4_extract_lane::<3>(value));
    low.max(high)
}

/// The largest of the lanes as unsigned integers.
#[must_use]
#[inline(always)]
pub fn largest_unsigned_lane(value: v128) -> u32 {
    let lanes = [
        i32x4_extract_lane::<0>(value),
        i32x4_extract_lane::<1>(value),
        i32x4_extract_lane::<2>(value),
        i32x4_extract_lane::<3>(value),
    ];
    let [a, b, c, d] = lanes.map(i32::cast_unsigned);
    a.max(b).max(c.max(d))
}

/// What truncation makes the nearest integer, of two as near the one farther from zero.
///
/// The largest number below a half is added, with the sign of the value: a half itself would take
/// 0.49999997 to 1. Where the value lies between two integers and a half, the sum is rounded up to the
/// integer. Right for magnitudes below 2^22.
#[must_use]
#[inline(always)]
pub fn half_away_from_zero(value: v128) -> v128 {
    let sign = v128_and(value, i32x4_splat(i32::MIN));
    f32x4_add(value, v128_or(sign, f32x4_splat(0.5_f32.next_down())))
}
