//! One block of Q4_0: the scale `d = m / -8` as `f16`, where m is the element of the largest magnitude,
//! then 16 bytes with elements i in the low and i + 16 in the high half, each `min(15, trunc(x / d + 8.5))`.

use kpack_guest::simd::{
    LANES, f32x4_add, f32x4_mul, f32x4_splat, f32x4_sub, i32x4_max, i32x4_splat, load,
    load_nibbles, store, store_nibbles, u32x4_max,
};
use kpack_guest::{F16, Q4Block};
use numeric::integers::{largest_lane, largest_unsigned_lane};

const HALF: usize = Q4Block::ELEMENTS / 2;

/// As ggml's `quantize_row_q4_0_ref`: the codes are made with the scale before it is rounded to `f16`, by
/// a product with its inverse.
#[inline(always)]
pub(crate) fn pack(x: &[f32; Q4Block::ELEMENTS], block: &mut Q4Block) {
    let scale = extreme(x) / -8.0;
    block.scale = F16::from_f32(scale);
    let inverse = 1.0 / scale;
    // Not for zeros, nor where the inverse of the scale is too large for a number, nor for NaN.
    if scale.abs() > 0.0 && scale.abs() < f32::INFINITY && inverse.abs() < f32::INFINITY {
        let (factor, middle) = (f32x4_splat(inverse), f32x4_splat(8.5));
        let x = x.as_ptr();
        // SAFETY: a block has eight vectors and 16 bytes.
        unsafe {
            let code = |i: usize| f32x4_add(f32x4_mul(load(x.add(i * LANES)), factor), middle);
            let codes = [
                [code(0), code(1), code(2), code(3)],
                [code(4), code(5), code(6), code(7)],
            ];
            store_nibbles(block.nibbles.as_mut_ptr(), codes);
        }
    } else {
        pack_rare(x, scale, block);
    }
}

/// The element of the largest magnitude, the first of several; NaN if there is one.
#[inline(always)]
fn extreme(x: &[f32; Q4Block::ELEMENTS]) -> f32 {
    // As signed integers, the bits of numbers without a sign are in their order and above all others; as
    // unsigned ones, those with a sign are in the order of their magnitudes and above all others.
    let mut above = i32x4_splat(0);
    let mut below = i32x4_splat(0);
    for i in 0..Q4Block::ELEMENTS / LANES {
        // SAFETY: a block has eight vectors.
        let value = unsafe { load(x.as_ptr().add(i * LANES)) };
        above = i32x4_max(above, value);
        below = u32x4_max(below, value);
    }
    let above = largest_lane(above).cast_unsigned();
    let below = largest_unsigned_lane(below);
    let magnitude_below = if below >> 31 == 1 { below << 1 >> 1 } else { 0 };
    if above == magnitude_below {
        return first_of(above, x);
    }
    f32::from_bits(if above > magnitude_below {
        above
    } else {
        below
    })
}

/// The first element of this magnitude.
#[cold]
#[inline(never)]
fn first_of(magnitude: u32, x: &[f32; Q4Block::ELEMENTS]) -> f32 {
    let is_it = |x: &&f32| x.to_bits() << 1 == magnitude << 1;
    // ggml begins with 0: a block of zeros, whatever their signs, has the scale 0 / -8.
    match x.iter().find(is_it) {
        Some(&x) if magnitude != 0 => x,
        _ => 0.0,
    }
}

#[cold]
#[inline(never)]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "truncating and saturating are meant"
)]
fn pack_rare(x: &[f32; Q4Block::ELEMENTS], scale: f32, block: &mut Q4Block) {
    if scale.is_nan() {
        block.scale = F16::from_bits(0x7e00);
    }
    let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
    let code = |x: f32| {
        if scale.is_finite() {
            ((x * inverse + 8.5) as u8).min(15)
        } else {
            8
        }
    };
    for (i, byte) in block.nibbles.iter_mut().enumerate() {
        *byte = code(x[i]) | code(x[i + HALF]) << 4;
    }
}

/// The elements, exact.
#[inline(always)]
pub(crate) fn unpack(block: &Q4Block, y: &mut [f32; Q4Block::ELEMENTS]) {
    let (scale, middle) = (f32x4_splat(block.scale.to_f32()), f32x4_splat(8.0));
    // SAFETY: a block has 16 bytes and eight vectors.
    unsafe {
        let halves = load_nibbles(block.nibbles.as_ptr());
        for (half, codes) in halves.into_iter().enumerate() {
            for (i, code) in codes.into_iter().enumerate() {
                let value = f32x4_mul(f32x4_sub(code, middle), scale);
                store(y.as_mut_ptr().add(half * HALF + i * LANES), value);
            }
        }
    }
}
