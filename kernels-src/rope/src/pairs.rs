//! Which elements of a head form a pair, and how eight of them (four pairs) are turned at once.

use core::arch::wasm32::{f32x4_mul, f32x4_neg, f32x4_sub, i32x4_shuffle, v128};

use guest::simd::{load, multiply_add, store};

/// A layout of pairs within a head.
pub(crate) trait Pairs {
    /// The cosines and sines of four pairs, arranged for [`turn`](Self::turn).
    type Angles: Copy;

    /// Arranges four cosines and four sines.
    fn angles(cos: v128, sin: v128) -> Self::Angles;

    /// Turns the four pairs from pair `i` on, of a head that rotates `2 * half` elements.
    ///
    /// # Safety
    ///
    /// `i + 4 <= half`, and `x` and `y` are valid for `2 * half` elements.
    unsafe fn turn(x: *const f32, y: *mut f32, i: usize, half: usize, angles: Self::Angles);

    /// Where the elements of pair `i` stand.
    fn places(i: usize, half: usize) -> (usize, usize);
}

/// Pairs (i, i + half): Llama, GPT-NeoX.
pub(crate) struct Half;

impl Pairs for Half {
    type Angles = (v128, v128);

    #[inline(always)]
    fn angles(cos: v128, sin: v128) -> Self::Angles {
        (cos, sin)
    }

    #[inline(always)]
    unsafe fn turn(x: *const f32, y: *mut f32, i: usize, half: usize, (cos, sin): Self::Angles) {
        // SAFETY: i + 4 <= half, so both vectors end within 2 * half elements.
        unsafe {
            let first = load(x.add(i));
            let second = load(x.add(half + i));
            store(
                y.add(i),
                f32x4_sub(f32x4_mul(first, cos), f32x4_mul(second, sin)),
            );
            store(
                y.add(half + i),
                multiply_add(second, cos, f32x4_mul(first, sin)),
            );
        }
    }

    #[inline(always)]
    fn places(i: usize, half: usize) -> (usize, usize) {
        (i, half + i)
    }
}

/// Pairs (2i, 2i + 1): GPT-J, Cohere.
pub(crate) struct Interleaved;

impl Pairs for Interleaved {
    /// For each of the two vectors: cosines, and sines with the sign of the element they add to.
    type Angles = [(v128, v128); 2];

    #[inline(always)]
    fn angles(cos: v128, sin: v128) -> Self::Angles {
        let minus_sin = f32x4_neg(sin);
        [
            (
                i32x4_shuffle::<0, 0, 1, 1>(cos, cos),
                i32x4_shuffle::<0, 4, 1, 5>(minus_sin, sin),
            ),
            (
                i32x4_shuffle::<2, 2, 3, 3>(cos, cos),
                i32x4_shuffle::<2, 6, 3, 7>(minus_sin, sin),
            ),
        ]
    }

    #[inline(always)]
    unsafe fn turn(x: *const f32, y: *mut f32, i: usize, _: usize, angles: Self::Angles) {
        for (at, (cos, sin)) in [2 * i, 2 * i + 4].into_iter().zip(angles) {
            // SAFETY: i + 4 <= half, so both vectors end within 2 * half elements.
            unsafe {
                let pairs = load(x.add(at));
                let swapped = i32x4_shuffle::<1, 0, 3, 2>(pairs, pairs);
                store(y.add(at), multiply_add(pairs, cos, f32x4_mul(swapped, sin)));
            }
        }
    }

    #[inline(always)]
    fn places(i: usize, _: usize) -> (usize, usize) {
        (2 * i, 2 * i + 1)
    }
}
