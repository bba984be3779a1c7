//! Keys and values in blocks of Q8_0.

use core::array::from_fn;

use kpack_guest::Q8Block;
use kpack_guest::simd::{
    LANES, f32x4_add, f32x4_mul, f32x4_splat, horizontal_sum, load, load_i8x16, multiply_add,
    store, v128,
};

use crate::attend::{Cache, KEYS, Weights};

/// [kv_seq, kv_heads, dim / 32] each.
pub(crate) struct Blocks<'a> {
    pub(crate) k: &'a [Q8Block],
    pub(crate) v: &'a [Q8Block],
    pub(crate) kv_heads: usize,
    pub(crate) dim: usize,
}

/// Codes that are read at once, and the vectors that they make.
const PART: usize = VECTORS * LANES;
const VECTORS: usize = 4;

impl Blocks<'_> {
    /// The blocks of a head.
    ///
    /// # Safety
    ///
    /// There is such a head in `blocks`.
    #[inline(always)]
    unsafe fn head<'a>(&self, blocks: &'a [Q8Block], key: usize, kv_head: usize) -> &'a [Q8Block] {
        let count = self.dim / Q8Block::ELEMENTS;
        let at = (key * self.kv_heads + kv_head) * count;
        // SAFETY: passed on to the caller.
        unsafe { blocks.get_unchecked(at..at + count) }
    }
}

impl Cache for Blocks<'_> {
    #[inline(always)]
    unsafe fn products<const HEADS: usize>(
        &self,
        key: usize,
        kv_head: usize,
        q: *const f32,
    ) -> [f32; HEADS] {
        let mut sums = [f32x4_splat(0.0); HEADS];
        // SAFETY: passed on to the caller; the blocks have `dim` elements together.
        unsafe {
            for (i, block) in self.head(self.k, key, kv_head).iter().enumerate() {
                let at = i * Q8Block::ELEMENTS;
                let scale = f32x4_splat(block.scale.to_f32());
                let products = products_of_block::<HEADS>(block, q.add(at), self.dim);
                for (sum, product) in sums.iter_mut().zip(products) {
                    *sum = multiply_add(product, scale, *sum);
                }
            }
        }
        sums.map(horizontal_sum)
    }

    #[inline(always)]
    unsafe fn add_values<const HEADS: usize>(
        &self,
        first: usize,
        count: usize,
        kv_head: usize,
        weights: &[Weights; HEADS],
        sums: *mut f32,
    ) {
        for block in 0..self.dim / Q8Block::ELEMENTS {
            // SAFETY: passed on to the caller; each head has such a block, and sums for it.
            unsafe {
                let value = |key: usize| &self.head(self.v, first + key, kv_head)[block];
                let mut scaled = *weights;
                for key in 0..count {
                    let scale = value(key).scale.to_f32();
                    for weights in &mut scaled {
                        weights.of_values[key] *= scale;
                    }
                }
                for part in (0..Q8Block::ELEMENTS).step_by(PART) {
                    let sums = sums.add(block * Q8Block::ELEMENTS + part);
                    let codes = |key: usize| load_i8x16(value(key).quants.as_ptr().add(part));
                    if count == KEYS {
                        add_columns(codes, KEYS, &scaled, sums, self.dim);
                    } else {
                        add_columns(codes, count, &scaled, sums, self.dim);
                    }
                }
            }
        }
    }
}

/// The products of a block's codes, without its scale, in four sums for each query.
///
/// # Safety
///
/// `q` is valid for reading a block's elements of `HEADS` queries, `dim` elements apart.
#[inline(always)]
unsafe fn products_of_block<const HEADS: usize>(
    block: &Q8Block,
    q: *const f32,
    dim: usize,
) -> [v128; HEADS] {
    let mut sums = [[f32x4_splat(0.0); 2]; HEADS];
    for part in (0..Q8Block::ELEMENTS).step_by(PART) {
        // SAFETY: a part of a block has 16 codes, and four vectors of each query.
        unsafe {
            let codes = load_i8x16(block.quants.as_ptr().add(part));
            for (i, code) in codes.into_iter().enumerate() {
                for (head, sums) in sums.iter_mut().enumerate() {
                    let query = load(q.add(head * dim + part + i * LANES));
                    sums[i % 2] = multiply_add(code, query, sums[i % 2]);
                }
            }
        }
    }
    sums.map(|[a, b]| f32x4_add(a, b))
}

/// # Safety
///
/// `sums` is valid for reading and writing a part's elements of `HEADS` heads, `dim` elements apart.
#[inline(always)]
unsafe fn add_columns<const HEADS: usize>(
    codes: impl Fn(usize) -> [v128; VECTORS],
    count: usize,
    weights: &[Weights; HEADS],
    sums: *mut f32,
    dim: usize,
) {
    // SAFETY: passed on to the caller; i * 4 + 4 <= PART.
    unsafe {
        let place = |head: usize, i: usize| sums.add(head * dim + i * LANES);
        let mut columns: [[v128; VECTORS]; HEADS] = from_fn(|head| {
            let of_sum = f32x4_splat(weights[head].of_sum);
            from_fn(|i| f32x4_mul(load(place(head, i)), of_sum))
        });
        for key in 0..count {
            let codes = codes(key);
            for (columns, weights) in columns.iter_mut().zip(weights) {
                let weight = f32x4_splat(weights.of_values[key]);
                for (column, code) in columns.iter_mut().zip(codes) {
                    *column = multiply_add(code, weight, *column);
                }
            }
        }
        for (head, columns) in columns.into_iter().enumerate() {
            for (i, column) in columns.into_iter().enumerate() {
                store(place(head, i), column);
            }
        }
    }
}
