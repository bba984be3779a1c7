//! From `f32` to `i8`.

use kpack_guest::simd::{
    LANES, f32x4_div, f32x4_pmax, f32x4_pmin, f32x4_splat, i32x4_max, i32x4_splat, load,
    store_i8x16, v128, v128_and,
};
use numeric::integers::{half_away_from_zero, largest_lane};

/// Elements whose integers are written at once.
const PART: usize = 4 * LANES;

/// Writes a row's integers and gives its scale.
#[inline(always)]
pub(crate) fn row(x: &[f32], q: &mut [i8]) -> f32 {
    let scale = largest_magnitude(x) / 127.0;
    // Zeros, and what holds NaN or an infinity, have zeros, as the output has before a call.
    if !(scale > 0.0 && scale < f32::INFINITY) {
        return scale;
    }
    let divisor = f32x4_splat(scale);
    let (parts, rest) = x.as_chunks::<PART>();
    let (q_parts, q_rest) = q.as_chunks_mut::<PART>();
    for (part, q) in parts.iter().zip(q_parts) {
        quantize(part, divisor, q);
    }
    if !rest.is_empty() {
        let (mut padded, mut results) = ([0.0; PART], [0; PART]);
        for (padded, &x) in padded.iter_mut().zip(rest) {
            *padded = x;
        }
        quantize(&padded, divisor, &mut results);
        for (q, &result) in q_rest.iter_mut().zip(&results) {
            *q = result;
        }
    }
    scale
}

#[inline(always)]
fn quantize(part: &[f32; PART], divisor: v128, q: &mut [i8; PART]) {
    let (least, most) = (f32x4_splat(-127.0), f32x4_splat(127.0));
    // SAFETY: a part has four vectors, and 16 integers.
    unsafe {
        let code = |i: usize| {
            let quotient = f32x4_div(load(part.as_ptr().add(i * LANES)), divisor);
            // A scale of few bits is off by more than others, and the quotient with it.
            half_away_from_zero(f32x4_pmin(f32x4_pmax(quotient, least), most))
        };
        store_i8x16(q.as_mut_ptr(), [code(0), code(1), code(2), code(3)]);
    }
}

/// NaN if there is one.
#[inline(always)]
fn largest_magnitude(x: &[f32]) -> f32 {
    const VECTORS: usize = 8;
    let magnitude = i32x4_splat(i32::MAX);
    // The bits of magnitudes are in the order of the numbers, with NaN above all.
    let mut largest = [i32x4_splat(0); 4];
    let (blocks, rest) = x.as_chunks::<{ VECTORS * LANES }>();
    for block in blocks {
        for vector in 0..VECTORS {
            // SAFETY: a block has eight vectors.
            let value = unsafe { load(block.as_ptr().add(vector * LANES)) };
            let largest = &mut largest[vector % 4];
            *largest = i32x4_max(*largest, v128_and(value, magnitude));
        }
    }
    let [a, b, c, d] = largest;
    let of_blocks = largest_lane(i32x4_max(i32x4_max(a, b), i32x4_max(c, d)));
    let bits = rest.iter().map(|x| x.to_bits() << 1 >> 1);
    f32::from_bits(bits.fold(of_blocks.cast_unsigned(), u32::max))
}
