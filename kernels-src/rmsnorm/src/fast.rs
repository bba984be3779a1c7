//! The path of ordinary rows: `f32` throughout.

use kpack_guest::simd::{
    LANES, f32x4_add, f32x4_extract_lane, f32x4_mul, f32x4_splat, horizontal_sum, load,
    multiply_add, store, v128,
};

use crate::Row;

/// # Safety
///
/// The pointers of `row` are valid as [`Row`] says.
#[inline(always)]
pub(crate) unsafe fn sum_of_squares(row: &Row) -> f32 {
    let Row { x, length, .. } = *row;
    let mut sum = f32x4_splat(0.0);
    let mut at = 0;
    while at + WIDE <= length {
        // SAFETY: at + WIDE <= length.
        sum = f32x4_add(sum, unsafe {
            block_of_squares::<{ WIDE / LANES }>(x.add(at))
        });
        at += WIDE;
    }
    while at + NARROW <= length {
        // SAFETY: at + NARROW <= length.
        sum = f32x4_add(sum, unsafe {
            block_of_squares::<{ NARROW / LANES }>(x.add(at))
        });
        at += NARROW;
    }
    while at + LANES <= length {
        // SAFETY: at + LANES <= length.
        let value = unsafe { load(x.add(at)) };
        sum = multiply_add(value, value, sum);
        at += LANES;
    }
    let mut total = horizontal_sum(sum);
    while at < length {
        // SAFETY: at < length.
        let value = unsafe { *x.add(at) };
        total += value * value;
        at += 1;
    }
    total
}

/// Elements that one turn of the main loops works on: so many that the engine's check for an
/// interruption, once a turn, does not count.
const WIDE: usize = 64;
/// The same for what is left, so that a row of any length is mostly done in blocks.
const NARROW: usize = 16;

/// The sum over `VECTORS` vectors of the squares in each lane: eight sums side by side, or as many as
/// there are vectors, then a tree.
///
/// Only one sum is carried from turn to turn. Eight would be as fast in registers, but an engine that
/// checks for interruptions keeps what a loop carries in memory.
///
/// # Safety
///
/// `x` is valid for `VECTORS` times four elements.
#[inline(always)]
unsafe fn block_of_squares<const VECTORS: usize>(x: *const f32) -> v128 {
    let square = |i: usize, sum: Option<v128>| {
        // SAFETY: `square` is called with i < VECTORS only.
        let value = unsafe { load(x.add(i * LANES)) };
        match sum {
            Some(sum) => multiply_add(value, value, sum),
            None => f32x4_mul(value, value),
        }
    };
    let mut sums = [f32x4_splat(0.0); SUMS];
    for (i, sum) in sums.iter_mut().enumerate().take(VECTORS) {
        *sum = square(i, None);
        if i + SUMS < VECTORS {
            *sum = square(i + SUMS, Some(*sum));
        }
    }
    let mut count = SUMS.min(VECTORS);
    while count > 1 {
        count /= 2;
        for i in 0..count {
            sums[i] = f32x4_add(sums[i], sums[i + count]);
        }
    }
    sums[0]
}

/// Half as many as a wide block has vectors: each sum takes two squares.
const SUMS: usize = WIDE / LANES / 2;

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
            scale_with(row, inverse, move |weight| f32x4_add(weight, offset));
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
    let scaled = |x: v128, weight: v128| f32x4_mul(f32x4_mul(x, factor), weight_of(weight));
    // From the end: what the sum has read last is still in the nearest cache, and a row of 4096 fills
    // all of it together with its weight and its result.
    let mut at = length;
    // SAFETY: `at` never exceeds `length`, and in each loop what a turn reads and writes starts at it.
    unsafe {
        while !at.is_multiple_of(LANES) {
            at -= 1;
            // One lane of a vector, so that the tail rounds as the body does.
            let value = scaled(f32x4_splat(*x.add(at)), f32x4_splat(*weight.add(at)));
            *y.add(at) = f32x4_extract_lane::<0>(value);
        }
        while !at.is_multiple_of(NARROW) {
            at -= LANES;
            map_block::<1>(x.add(at), weight.add(at), y.add(at), scaled);
        }
        while !at.is_multiple_of(WIDE) {
            at -= NARROW;
            map_block::<{ NARROW / LANES }>(x.add(at), weight.add(at), y.add(at), scaled);
        }
        while at > 0 {
            at -= WIDE;
            map_block::<{ WIDE / LANES }>(x.add(at), weight.add(at), y.add(at), scaled);
        }
    }
}

/// # Safety
///
/// `x` and `weight` are valid for reading `VECTORS` times four elements, `y` for writing as many.
#[inline(always)]
unsafe fn map_block<const VECTORS: usize>(
    x: *const f32,
    weight: *const f32,
    y: *mut f32,
    scaled: impl Fn(v128, v128) -> v128,
) {
    for i in (0..VECTORS * LANES).step_by(LANES) {
        // SAFETY: i + 4 <= VECTORS * 4.
        unsafe { store(y.add(i), scaled(load(x.add(i)), load(weight.add(i)))) };
    }
}
