//! `softmax_f32`: `y = exp(x - max) / sum(exp(x - max))`, row by row.
//!
//! Minus infinity has no share. A row of nothing else is NaN, as is one with NaN or plus infinity. All
//! modules give the same bits on every machine.

#![cfg_attr(target_arch = "wasm32", no_std)]

use kpack_guest::kernel;
use kpack_guest::simd::{
    LANES, f32x4_extract_lane, f32x4_mul, f32x4_pmax, f32x4_splat, f32x4_sub, load,
};
use numeric::{exp, map, sum};

/// The kernel: rows of `width` elements.
#[kernel(
    id = "softmax_f32",
    name = "Softmax along rows",
    category = custom,
    inputs(x: f32[rows, width]),
    outputs(y: f32[rows, width]),
    parallel_dims(rows),
)]
fn softmax_forward(width: usize, x: &[f32], y: &mut [f32]) {
    for (x, y) in x.chunks_exact(width).zip(y.chunks_exact_mut(width)) {
        let max = f32x4_splat(largest(x));
        // SAFETY: both rows hold `width` elements.
        unsafe {
            let y = y.as_mut_ptr();
            map([x.as_ptr()], y, width, |[x]| {
                exp::exp_of_negative(f32x4_sub(max, x))
            });
            let share = f32x4_splat(1.0 / sum(y, width, |power| power));
            map([y.cast_const()], y, width, |[power]| {
                f32x4_mul(power, share)
            });
        }
    }
}

/// The largest element; NaN is passed over, for it makes the row's sum NaN anyway.
#[inline(always)]
fn largest(row: &[f32]) -> f32 {
    const SIDE_BY_SIDE: usize = 4;
    const VECTORS: usize = 8;
    let mut largest = [f32x4_splat(f32::NEG_INFINITY); SIDE_BY_SIDE];
    let (blocks, rest) = row.as_chunks::<{ VECTORS * LANES }>();
    for block in blocks {
        for vector in 0..VECTORS {
            // SAFETY: vector * 4 + 4 <= the block's length.
            let value = unsafe { load(block.as_ptr().add(vector * LANES)) };
            let largest = &mut largest[vector % SIDE_BY_SIDE];
            *largest = f32x4_pmax(*largest, value);
        }
    }
    let [a, b, c, d] = largest;
    let all = f32x4_pmax(f32x4_pmax(a, b), f32x4_pmax(c, d));
    let lanes = [
        f32x4_extract_lane::<0>(all),
        f32x4_extract_lane::<1>(all),
        f32x4_extract_lane::<2>(all),
        f32x4_extract_lane::<3>(all),
    ];
    let larger = |largest: f32, &x: &f32| if largest < x { x } else { largest };
    rest.iter().chain(&lanes).fold(f32::NEG_INFINITY, larger)
}
