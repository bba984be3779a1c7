//! One block of Q8_0: the scale `d = max |x| / 127` as `f16`, then 32 times `round(x / d)` as `i8`.

use kpack_guest::simd::{
    LANES, f32x4_mul, f32x4_splat, i32x4_max, i32x4_splat, load, load_i8x16, store, store_i8x16,
    v128, v128_and,
};
use kpack_guest::{F16, Q8Block};
use numeric::integers::{half_away_from_zero, largest_lane};

/// Elements whose codes are written at once.
const PART: usize = 4 * LANES;

/// As ggml's `quantize_row_q8_0_ref`: the codes are made with the scale before it is rounded to `f16`, by
/// a product with its inverse, and rounded half away from zero.
#[inline(always)]
pub(crate) fn pack(x: &[f32; Q8Block::ELEMENTS], block: &mut Q8Block) {
    let x = x.as_ptr();
    // SAFETY: a block has eight vectors.
    let largest = unsafe { largest_magnitude(x) };
    let scale = largest / 127.0;
    block.scale = F16::from_f32(scale);
    let inverse = 1.0 / scale;
    // Not for zeros, nor where the inverse of the scale is too large for a number, nor for NaN.
    if scale > 0.0 && largest < f32::INFINITY && inverse < f32::INFINITY {
        let factor = f32x4_splat(inverse);
        for at in (0..Q8Block::ELEMENTS).step_by(PART) {
            // SAFETY: a part of a block from `at` on has four vectors, and 16 codes.
            unsafe {
                let code =
                    |i: usize| half_away_from_zero(f32x4_mul(load(x.add(at + i * LANES)), factor));
                let codes = [code(0), code(1), code(2), code(3)];
                store_i8x16(block.quants.as_mut_ptr().add(at), codes);
            }
        }
    } else {
        // SAFETY: as above.
        unsafe { pack_rare(x, largest, scale, block) };
    }
}

/// # Safety
///
/// `x` is valid for reading a block.
#[inline(always)]
unsafe fn largest_magnitude(x: *const f32) -> f32 {
    let magnitude = |i: usize| -> v128 {
        // SAFETY: called with i below the number of vectors of a block.
        v128_and(unsafe { load(x.add(i * LANES)) }, i32x4_splat(i32::MAX))
    };
    // The bits of magnitudes are in the order of the numbers, with NaN above all.
    let pair = |i: usize| i32x4_max(magnitude(i), magnitude(i + 4));
    let largest = i32x4_max(i32x4_max(pair(0), pair(1)), i32x4_max(pair(2), pair(3)));
    f32::from_bits(largest_lane(largest).cast_unsigned())
}

/// # Safety
///
/// `x` is valid for reading a block.
#[cold]
#[inline(never)]
#[expect(clippy::cast_possible_truncation, reason = "saturating is meant")]
unsafe fn pack_rare(x: *const f32, largest: f32, scale: f32, block: &mut Q8Block) {
    if scale.is_nan() {
        block.scale = F16::from_bits(0x7e00);
    }
    let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
    for (i, code) in block.quants.iter_mut().enumerate() {
        // SAFETY: i is below the number of elements of a block.
        let value = unsafe { *x.add(i) } * inverse;
        *code = if largest.is_finite() {
            (value + 0.5_f32.next_down().copysign(value)) as i8
        } else {
            0
        };
    }
}

/// The elements, exact.
#[inline(always)]
pub(crate) fn unpack(block: &Q8Block, y: &mut [f32; Q8Block::ELEMENTS]) {
    let scale = f32x4_splat(block.scale.to_f32());
    let y = y.as_mut_ptr();
    for at in (0..Q8Block::ELEMENTS).step_by(PART) {
        // SAFETY: a part of a block from `at` on has 16 codes, and four vectors.
        unsafe {
            let codes = load_i8x16(block.quants.as_ptr().add(at));
            for (i, code) in codes.into_iter().enumerate() {
                store(y.add(at + i * LANES), f32x4_mul(code, scale));
            }
        }
    }
}
