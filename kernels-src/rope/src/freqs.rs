//! The tables of cosines and sines, with angles in `f64`.
//!
//! An angle formed in `f32` is off by up to 2^-24 of itself: at position 262143 that is 0.008 rad.
//! In `f64` it is off by 4e-11, far below what the table's `f32` can hold.

use kpack_guest::simd::{
    f32x4_demote_f64x2_zero, f64x2, f64x2_mul, f64x2_splat, v128, v128_store32_lane,
    v128_store64_lane,
};

use crate::sincos::sin_cos;

/// Per position: the cosines of `position * theta^(-i / half)` for i in 0..half, then their sines.
///
/// # Safety
///
/// `positions` is valid for `seq` elements, `table` for `seq * 2 * half`; `theta` is at least 1.
pub(crate) unsafe fn tabulate(
    positions: *const i32,
    table: *mut f32,
    seq: usize,
    half: usize,
    theta: f64,
) {
    // exp(-i / half * ln theta), not a power: its error relative to the angle is largest where the
    // angle is smallest, so that none of it is lost, and the logarithm is taken once.
    let step = -libm::log(theta) / half as f64;
    let frequency = |i: usize| libm::exp(i as f64 * step);
    let mut i = 0;
    while i < half {
        let frequencies = f64x2(frequency(i), frequency(i + 1));
        for position in 0..seq {
            // SAFETY: position < seq, so its position and its two rows lie in the tensors; of the
            // rows, one element is written where i is the last, else two.
            unsafe {
                let angles = f64x2_mul(
                    f64x2_splat(f64::from(*positions.add(position))),
                    frequencies,
                );
                let (sin, cos) = sin_cos(angles);
                let row = table.add(position * 2 * half + i);
                if i + 1 < half {
                    write_two(row, cos);
                    write_two(row.add(half), sin);
                } else {
                    write_one(row, cos);
                    write_one(row.add(half), sin);
                }
            }
        }
        i += 2;
    }
}

/// # Safety
///
/// `at` is valid for writing two elements.
#[inline(always)]
unsafe fn write_two(at: *mut f32, values: v128) {
    // SAFETY: the caller vouches for 8 writable bytes; wasm stores take any alignment.
    unsafe { v128_store64_lane::<0>(f32x4_demote_f64x2_zero(values), at.cast()) };
}

/// # Safety
///
/// `at` is valid for writing one element.
#[inline(always)]
unsafe fn write_one(at: *mut f32, values: v128) {
    // SAFETY: the caller vouches for 4 writable bytes; wasm stores take any alignment.
    unsafe { v128_store32_lane::<0>(f32x4_demote_f64x2_zero(values), at.cast()) };
}
