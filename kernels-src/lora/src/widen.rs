//! From a row of `rank` elements to one of the result.

use kpack_guest::simd::{LANES, f32x4_add, f32x4_splat, i32x4_shuffle, load, multiply_add, v128};
use numeric::Number;

/// Outputs that are written at once.
const STEP: usize = 2 * LANES;

/// Writes `base + narrow lora_b^T`, where `narrow` has a row for each of `base` and `y`.
#[inline(always)]
pub(crate) fn multiply_and_add<const ROWS: usize, T: Number>(
    narrow: &[f32],
    lora_b: &[T],
    base: [&[T]; ROWS],
    mut y: [&mut [T]; ROWS],
) {
    let (rank, outputs) = (narrow.len() / ROWS, base[0].len());
    let mut output = 0;
    while output + STEP <= outputs {
        let b = lora_b[output * rank..].as_ptr();
        // SAFETY: `lora_b` has eight rows of `rank` elements from here on, each row of the base and of the
        // result eight elements.
        unsafe {
            let low = products::<ROWS, T>(narrow.as_ptr(), b, rank);
            let high = products::<ROWS, T>(narrow.as_ptr(), b.add(LANES * rank), rank);
            for row in 0..ROWS {
                let base = T::load8(base[row].as_ptr().add(output));
                let sums = [f32x4_add(base[0], low[row]), f32x4_add(base[1], high[row])];
                T::store8(y[row].as_mut_ptr().add(output), sums);
            }
        }
        output += STEP;
    }
    while output < outputs {
        let b = &lora_b[output * rank..][..rank];
        for ((base, y), narrow) in base.iter().zip(&mut y).zip(narrow.chunks_exact(rank)) {
            y[output] = one(base[output], narrow, b);
        }
        output += 1;
    }
}

/// The products of each row of `narrow` with four rows of `lora_b`.
///
/// # Safety
///
/// `narrow` is valid for reading `ROWS` times `rank` elements, `b` for four times `rank`.
#[inline(always)]
unsafe fn products<const ROWS: usize, T: Number>(
    narrow: *const f32,
    b: *const T,
    rank: usize,
) -> [v128; ROWS] {
    let mut sums = [[f32x4_splat(0.0); LANES]; ROWS];
    let mut r = 0;
    // SAFETY: r + 8 <= rank in the loop; what is read beyond it is below rank.
    unsafe {
        while r + STEP <= rank {
            let narrow: [[v128; 2]; ROWS] =
                core::array::from_fn(|row| f32::load8(narrow.add(row * rank + r)));
            for output in 0..LANES {
                let b = T::load8(b.add(output * rank + r));
                for (sums, narrow) in sums.iter_mut().zip(narrow) {
                    let sum = multiply_add(b[0], narrow[0], sums[output]);
                    sums[output] = multiply_add(b[1], narrow[1], sum);
                }
            }
            r += STEP;
        }
        let mut products = [f32x4_splat(0.0); ROWS];
        for (product, sums) in products.iter_mut().zip(sums) {
            *product = sums_of_lanes(sums);
        }
        // A loop of its own, so that the one above is unrolled and the sums stay in registers.
        while r < rank {
            let rest: [f32; LANES] =
                core::array::from_fn(|output| (*b.add(output * rank + r)).widen());
            let rest = load(rest.as_ptr());
            for (row, product) in products.iter_mut().enumerate() {
                let narrow = f32x4_splat(*narrow.add(row * rank + r));
                *product = multiply_add(rest, narrow, *product);
            }
            r += 1;
        }
        products
    }
}

/// In each lane the sum of the lanes of one vector.
#[inline(always)]
fn sums_of_lanes([a, b, c, d]: [v128; LANES]) -> v128 {
    let pairs = |a: v128, b: v128| {
        f32x4_add(
            i32x4_shuffle::<0, 1, 4, 5>(a, b),
            i32x4_shuffle::<2, 3, 6, 7>(a, b),
        )
    };
    let (low, high) = (pairs(a, b), pairs(c, d));
    f32x4_add(
        i32x4_shuffle::<0, 2, 4, 6>(low, high),
        i32x4_shuffle::<1, 3, 5, 7>(low, high),
    )
}

/// One element of the result, rounded as the others.
#[inline(always)]
fn one<T: Number>(base: T, narrow: &[f32], b: &[T]) -> T {
    let mut sum = base.widen();
    for (narrow, &b) in narrow.iter().zip(b) {
        sum += narrow * b.widen();
    }
    let mut result = [T::ZERO; STEP];
    // SAFETY: eight elements are written.
    unsafe { T::store8(result.as_mut_ptr(), [f32x4_splat(sum); 2]) };
    result[0]
}
