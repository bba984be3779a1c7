//! Which elements of a head form a pair, and how eight of them (four pairs) are turned at once.

use kpack_guest::simd::{
    LANES, f32x4_mul, f32x4_neg, i32x4_shuffle, load, multiply_add, negative_multiply_add, store,
    v128,
};

/// A layout of pairs within a head.
pub(crate) trait Pairs {
    /// The cosines and sines of four pairs, arranged for [`turn`](Self::turn).
    type Angles: Copy;

    /// Arranges four cosines and four sines.
    fn angles(cos: v128, sin: v128) -> Self::Angles;

    /// Turns four pairs, of which the first begins at `x` and `y`.
    ///
    /// # Safety
    ///
    /// `x` and `y` are valid for the elements of four pairs of a head with `half` of them.
    unsafe fn turn(x: *const f32, y: *mut f32, half: usize, angles: Self::Angles);

    /// Where pair `i` begins.
    fn first(i: usize) -> usize;

    /// How far behind its first element a pair's second one is.
    fn distance(half: usize) -> usize;
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
    unsafe fn turn(x: *const f32, y: *mut f32, half: usize, (cos, sin): Self::Angles) {
        // SAFETY: four first elements stand at x and y, four second ones `half` behind them.
        unsafe {
            let (first, second) = (load(x), load(x.add(half)));
            let turned = negative_multiply_add(second, sin, f32x4_mul(first, cos));
            store(y, turned);
            store(
                y.add(half),
                multiply_add(second, cos, f32x4_mul(first, sin)),
            );
        }
    }

    #[inline(always)]
    fn first(i: usize) -> usize {
        i
    }

    #[inline(always)]
    fn distance(half: usize) -> usize {
        half
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
    unsafe fn turn(x: *const f32, y: *mut f32, _: usize, angles: Self::Angles) {
        for (at, (cos, sin)) in [0, LANES].into_iter().zip(angles) {
            // SAFETY: eight elements, which are four pairs, stand at x and y.
            unsafe {
                let pairs = load(x.add(at));
                let swapped = i32x4_shuffle::<1, 0, 3, 2>(pairs, pairs);
                store(y.add(at), multiply_add(pairs, cos, f32x4_mul(swapped, sin)));
            }
        }
    }

    #[inline(always)]
    fn first(i: usize) -> usize {
        2 * i
    }

    #[inline(always)]
    fn distance(_: usize) -> usize {
        1
    }
}
