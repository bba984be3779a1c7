use kpack_guest::simd::{
    LANES, f32x4_add, f32x4_extract_lane, f32x4_splat, horizontal_sum, load, v128,
};

/// Vectors that one turn of the loop works on.
const VECTORS: usize = 16;
/// Sums side by side: each takes two vectors of a turn.
const SUMS: usize = VECTORS / 2;

/// The sum of `term` of each element.
///
/// Eight sums of four lanes, then a tree: few roundings follow one another. Only one vector is carried
/// from turn to turn, for an engine that checks for interruptions keeps what a loop carries in memory.
///
/// # Safety
///
/// `x` is valid for reading `length` elements.
#[inline(always)]
pub unsafe fn sum(x: *const f32, length: usize, term: impl Fn(v128) -> v128) -> f32 {
    let mut total = f32x4_splat(0.0);
    let mut at = 0;
    // SAFETY: each load at `at` or behind ends at or before `length`.
    unsafe {
        while at + VECTORS * LANES <= length {
            let vector = |i: usize| term(load(x.add(at + i * LANES)));
            let mut sums: [v128; SUMS] =
                core::array::from_fn(|i| f32x4_add(vector(i), vector(i + SUMS)));
            let mut count = SUMS;
            while count > 1 {
                count /= 2;
                for i in 0..count {
                    sums[i] = f32x4_add(sums[i], sums[i + count]);
                }
            }
            total = f32x4_add(total, sums[0]);
            at += VECTORS * LANES;
        }
        while at + LANES <= length {
            total = f32x4_add(total, term(load(x.add(at))));
            at += LANES;
        }
        let mut rest = horizontal_sum(total);
        while at < length {
            rest += f32x4_extract_lane::<0>(term(f32x4_splat(*x.add(at))));
            at += 1;
        }
        rest
    }
}
