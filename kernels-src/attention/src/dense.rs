//! Keys and values of `f32`.

use core::array::from_fn;

use kpack_guest::simd::{
    LANES, f32x4_add, f32x4_mul, f32x4_splat, horizontal_sum, load, multiply_add, store, v128,
};

use crate::attend::{Cache, KEYS, Weights};

/// [kv_seq, kv_heads, dim] each.
pub(crate) struct Dense<'a> {
    pub(crate) k: &'a [f32],
    pub(crate) v: &'a [f32],
    pub(crate) kv_heads: usize,
    pub(crate) dim: usize,
}

/// Vectors side by side: sums of a product, or of values. Two heads have eight, which leaves registers
/// for what is multiplied. Sixteen sums for a score also keep it exact enough to be exponentiated.
const SIDE_BY_SIDE: usize = 4;
const STEP: usize = SIDE_BY_SIDE * LANES;
/// Steps of one turn of the loop over a head's elements: so many that neither the engine's check for an
/// interruption, once a turn, nor the sums, which it then keeps in memory, count.
const STEPS: usize = 4;

impl Cache for Dense<'_> {
    #[inline(always)]
    unsafe fn products<const HEADS: usize>(
        &self,
        key: usize,
        kv_head: usize,
        q: *const f32,
    ) -> [f32; HEADS] {
        let dim = self.dim;
        // SAFETY: passed on to the caller.
        unsafe {
            let k = self.k.as_ptr().add((key * self.kv_heads + kv_head) * dim);
            match dim {
                128 => products::<HEADS>(k, q, 128),
                64 => products::<HEADS>(k, q, 64),
                dim => products::<HEADS>(k, q, dim),
            }
        }
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
        let row = self.kv_heads * self.dim;
        // SAFETY: passed on to the caller; every element is below `dim`.
        unsafe {
            let v = self.v.as_ptr().add(first * row + kv_head * self.dim);
            let mut at = 0;
            while at + STEP <= self.dim {
                let (v, sums) = (v.add(at), sums.add(at));
                if count == KEYS {
                    add_columns::<HEADS, SIDE_BY_SIDE>(v, row, KEYS, weights, sums, self.dim);
                } else {
                    add_columns::<HEADS, SIDE_BY_SIDE>(v, row, count, weights, sums, self.dim);
                }
                at += STEP;
            }
            while at + LANES <= self.dim {
                let (v, sums) = (v.add(at), sums.add(at));
                add_columns::<HEADS, 1>(v, row, count, weights, sums, self.dim);
                at += LANES;
            }
            while at < self.dim {
                for (head, weights) in weights.iter().enumerate() {
                    let sum = sums.add(head * self.dim + at);
                    *sum *= weights.of_sum;
                    for (i, weight) in weights.of_values.iter().enumerate().take(count) {
                        *sum += *v.add(i * row + at) * weight;
                    }
                }
                at += 1;
            }
        }
    }
}

/// # Safety
///
/// `k` is valid for reading `dim` elements, `q` for `HEADS` times as many.
#[inline(always)]
unsafe fn products<const HEADS: usize>(k: *const f32, q: *const f32, dim: usize) -> [f32; HEADS] {
    let mut sums = [[f32x4_splat(0.0); SIDE_BY_SIDE]; HEADS];
    let mut at = 0;
    // SAFETY: a step at `at` reads up to at + STEP <= dim elements of the key and of each query.
    unsafe {
        while at + STEPS * STEP <= dim {
            for step in 0..STEPS {
                add_products(
                    k.add(at + step * STEP),
                    q.add(at + step * STEP),
                    dim,
                    &mut sums,
                );
            }
            at += STEPS * STEP;
        }
        while at + STEP <= dim {
            add_products(k.add(at), q.add(at), dim, &mut sums);
            at += STEP;
        }
        while at + LANES <= dim {
            let key = load(k.add(at));
            for (head, sums) in sums.iter_mut().enumerate() {
                sums[0] = multiply_add(key, load(q.add(head * dim + at)), sums[0]);
            }
            at += LANES;
        }
        let mut products = [0.0; HEADS];
        for (product, [a, b, c, d]) in products.iter_mut().zip(sums) {
            *product = horizontal_sum(f32x4_add(f32x4_add(a, c), f32x4_add(b, d)));
        }
        // A loop of its own, so that the one above is unrolled and the sums stay in registers.
        while at < dim {
            for (head, product) in products.iter_mut().enumerate() {
                *product += *k.add(at) * *q.add(head * dim + at);
            }
            at += 1;
        }
        products
    }
}

/// # Safety
///
/// `k` is valid for reading a step's elements, as each of `HEADS` queries is, `dim` elements apart.
#[inline(always)]
unsafe fn add_products<const HEADS: usize>(
    k: *const f32,
    q: *const f32,
    dim: usize,
    sums: &mut [[v128; SIDE_BY_SIDE]; HEADS],
) {
    for i in 0..SIDE_BY_SIDE {
        // SAFETY: i * 4 + 4 <= STEP.
        unsafe {
            let key = load(k.add(i * LANES));
            for (head, sums) in sums.iter_mut().enumerate() {
                sums[i] = multiply_add(key, load(q.add(head * dim + i * LANES)), sums[i]);
            }
        }
    }
}

/// `VECTORS` vectors of each sum.
///
/// # Safety
///
/// `v` is valid for reading that much of `count` rows, `row` elements apart, `sums` for reading and writing
/// that much of `HEADS` heads, `dim` elements apart.
#[inline(always)]
unsafe fn add_columns<const HEADS: usize, const VECTORS: usize>(
    v: *const f32,
    row: usize,
    count: usize,
    weights: &[Weights; HEADS],
    sums: *mut f32,
    dim: usize,
) {
    // SAFETY: passed on to the caller; i * 4 + 4 <= VECTORS * 4.
    unsafe {
        let place = |head: usize, i: usize| sums.add(head * dim + i * LANES);
        let mut columns: [[v128; VECTORS]; HEADS] = from_fn(|head| {
            let of_sum = f32x4_splat(weights[head].of_sum);
            from_fn(|i| f32x4_mul(load(place(head, i)), of_sum))
        });
        for key in 0..count {
            let values: [v128; VECTORS] = from_fn(|i| load(v.add(key * row + i * LANES)));
            for (columns, weights) in columns.iter_mut().zip(weights) {
                let weight = f32x4_splat(weights.of_values[key]);
                for (column, value) in columns.iter_mut().zip(values) {
                    *column = multiply_add(value, weight, *column);
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
