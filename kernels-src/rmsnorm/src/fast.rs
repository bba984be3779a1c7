//! The path of ordinary rows: `f32` throughout.

use core::arch::wasm32::{f32x4_add, f32x4_mul, f32x4_splat, v128};

use guest::simd::{LANES, horizontal_sum, load, multiply_add, store};

use crate::Row;

/// Vectors that one turn of a loop works on. As many independent sums hide the latency of an
/// addition; a turn of 32 elements keeps the engine's interruption check off the critical path.
const SUMS: usize = 8;
const BLOCK: usize = 64;

/// # Safety
///
/// The pointers of `row` are valid as [`Row`] says.
#[inline(always)]
pub(crate) unsafe fn sum_of_squares(row: &Row) -> f32 {
    let Row { x, length, .. } = *row;
    let mut sums = [f32x4_splat(0.0); SUMS];
    let mut at = 0;
    while at + BLOCK <= length {
        // SAFETY: at < length.
        let block = unsafe { x.add(at) };
        for i in 0..BLOCK / LANES {
            // SAFETY: at + BLOCK <= length, and (i + 1) * LANES <= BLOCK.
            let value = unsafe { load(block.add(i * LANES)) };
            sums[i % SUMS] = multiply_add(value, value, sums[i % SUMS]);
        }
        at += BLOCK;
    }
    while at + LANES <= length {
        // SAFETY: at + LANES <= length.
        let value = unsafe { load(x.add(at)) };
        sums[0] = multiply_add(value, value, sums[0]);
        at += LANES;
    }
    let mut total = horizontal_sum(tree(sums));
    while at < length {
        // SAFETY: at < length.
        let value = unsafe { *x.add(at) };
        total += value * value;
        at += 1;
    }
    total
}

/// Writes `x * inverse * (weight + weight_offset)`.
///
/// # Safety
///
/// The pointers of `row` are valid as [`Row`] says.
#[inline(always)]
pub(crate) unsafe fn scale(row: &Row, inverse: f32) {
    let offset = f32x4_splat(row.weight_offset);
    // SAFETY: passed on to the caller.
    unsafe {
        if row.weight_offset == 0.0 {
            scale_with(row, inverse, |weight| weight);
        } else {
            scale_with(row, inverse, |weight| f32x4_add(weight, offset));
        }
    }
}

/// # Safety
///
/// The pointers of `row` are valid as [`Row`] says.
#[inline(always)]
unsafe fn scale_with(row: &Row, inverse: f32, weight_of: impl Fn(v128) -> v128) {
    let Row {
        x,
        weight,
        y,
        length,
        ..
    } = *row;
    let factor = f32x4_splat(inverse);
    let scaled = |value: v128, weight: v128| f32x4_mul(f32x4_mul(value, factor), weight_of(weight));
    let mut at = 0;
    while at + BLOCK <= length {
        // SAFETY: at < length.
        let (x, weight, y) = unsafe { (x.add(at), weight.add(at), y.add(at)) };
        for i in (0..BLOCK).step_by(LANES) {
            // SAFETY: at + BLOCK <= length, and i + 4 <= BLOCK.
            unsafe { store(y.add(i), scaled(load(x.add(i)), load(weight.add(i)))) };
        }
        at += BLOCK;
    }
    while at + LANES <= length {
        // SAFETY: at + LANES <= length.
        unsafe { store(y.add(at), scaled(load(x.add(at)), load(weight.add(at)))) };
        at += LANES;
    }
    while at < length {
        // SAFETY: at < length. One lane of a vector, so that the tail rounds as the body does.
        unsafe {
            let value = scaled(f32x4_splat(*x.add(at)), f32x4_splat(*weight.add(at)));
            *y.add(at) = core::arch::wasm32::f32x4_extract_lane::<0>(value);
        }
        at += 1;
    }
}

#[inline(always)]
fn tree(sums: [v128; SUMS]) -> v128 {
    let quarter = |i: usize| f32x4_add(sums[i], sums[i + 4]);
    f32x4_add(
        f32x4_add(quarter(0), quarter(2)),
        f32x4_add(quarter(1), quarter(3)),
    )
}
