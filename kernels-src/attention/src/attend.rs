//! The walk over keys, heads and queries, and the running softmax.

use kpack_guest::Status;
use kpack_guest::simd::{
    LANES, f32x4_add, f32x4_extract_lane, f32x4_mul, f32x4_pmax, f32x4_splat, f32x4_sqrt,
    f32x4_sub, horizontal_sum, load, store, v128,
};
use numeric::{exp, map};

/// Keys that are scored before their values are read. So many rows at the same place of as many 4 KiB
/// pages, as keys of 8 heads of 128 elements are, stay in the first cache together.
pub(crate) const KEYS: usize = 8;

/// Heads that share each load of a key or a value. Without vectors, a machine has no registers for the
/// sums of two.
const TOGETHER: usize = if cfg!(target_feature = "simd128") {
    2
} else {
    1
};

/// The keys and values that queries look at.
pub(crate) trait Cache {
    /// The products of a key of a head with `HEADS` neighbouring queries.
    ///
    /// # Safety
    ///
    /// There is such a key, and `q` is valid for reading `HEADS` times the cache's dimension.
    unsafe fn products<const HEADS: usize>(
        &self,
        key: usize,
        kv_head: usize,
        q: *const f32,
    ) -> [f32; HEADS];

    /// Adds `count` values from `first` on, with their weights, to what was summed before, which is
    /// scaled first: `HEADS` neighbouring heads that share them.
    ///
    /// # Safety
    ///
    /// There are such values, `count` is at most [`KEYS`], and `sums` is valid for reading and writing
    /// `HEADS` times the cache's dimension.
    unsafe fn add_values<const HEADS: usize>(
        &self,
        first: usize,
        count: usize,
        kv_head: usize,
        weights: &[Weights; HEADS],
        sums: *mut f32,
    );
}

/// What a head's values of a block are multiplied with before they are summed.
#[derive(Clone, Copy)]
pub(crate) struct Weights {
    /// For each value; 0 beyond the last.
    pub(crate) of_values: [f32; KEYS],
    /// For the sum of the blocks before.
    pub(crate) of_sum: f32,
}

/// Sizes that fit one another.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    q_seq: usize,
    heads: usize,
    dim: usize,
    kv_seq: usize,
    kv_heads: usize,
    causal: bool,
}

impl Shape {
    pub(crate) fn checked(
        q_seq: usize,
        heads: usize,
        dim: usize,
        kv_seq: usize,
        kv_heads: usize,
        causal: bool,
    ) -> Result<Self, Status> {
        if !heads.is_multiple_of(kv_heads) || causal && kv_seq < q_seq {
            return Err(Status::InvalidInput);
        }
        Ok(Self {
            q_seq,
            heads,
            dim,
            kv_seq,
            kv_heads,
            causal,
        })
    }

    /// How many keys a query sees; they are the first ones.
    #[inline(always)]
    fn keys_seen(&self, query: usize) -> usize {
        if self.causal {
            self.kv_seq - self.q_seq + query + 1
        } else {
            self.kv_seq
        }
    }
}

/// One call, and how far it is.
pub(crate) struct Attention<'a> {
    shape: Shape,
    scale: f32,
    q: &'a [f32],
    /// Of each query and head the weighted sum of the values so far.
    y: &'a mut [f32],
    /// Of each query and head the largest score so far, and the sum of the weights relative to it.
    running: &'a mut [[f32; 2]],
}

impl<'a> Attention<'a> {
    pub(crate) fn new(
        shape: Shape,
        scale: f32,
        q: &'a [f32],
        y: &'a mut [f32],
        scratch: &'a mut [f32],
    ) -> Self {
        let (running, _) = scratch.as_chunks_mut::<2>();
        for running in running.iter_mut() {
            *running = [f32::NEG_INFINITY, 0.0];
        }
        let of_dim = 1.0 / f32x4_extract_lane::<0>(f32x4_sqrt(f32x4_splat(shape.dim as f32)));
        Self {
            shape,
            scale: if scale == 0.0 { of_dim } else { scale },
            q,
            y,
            running,
        }
    }
}

/// Keys outside, heads and queries inside: a block of keys and values is read once and then is in the
/// first cache for all queries.
#[inline(always)]
pub(crate) fn attend(attention: &mut Attention<'_>, cache: &impl Cache) {
    let shape = attention.shape;
    let mut first = 0;
    while first < shape.kv_seq {
        for kv_head in 0..shape.kv_heads {
            for query in 0..shape.q_seq {
                let seen = shape.keys_seen(query);
                if seen > first {
                    let count = KEYS.min(seen - first);
                    attend_to_block(attention, cache, query, kv_head, first, count);
                }
            }
        }
        first += KEYS;
    }
    let heads = attention.y.chunks_exact_mut(shape.dim);
    for (y, &[_, sum]) in heads.zip(attention.running.iter()) {
        let share = f32x4_splat(1.0 / sum);
        let y = y.as_mut_ptr();
        // SAFETY: a head has `dim` elements.
        unsafe { map([y.cast_const()], y, shape.dim, |[y]| f32x4_mul(y, share)) };
    }
}

/// One query's heads that share a head of the cache.
#[inline(always)]
fn attend_to_block(
    attention: &mut Attention<'_>,
    cache: &impl Cache,
    query: usize,
    kv_head: usize,
    first: usize,
    count: usize,
) {
    let group = attention.shape.heads / attention.shape.kv_heads;
    let start = query * attention.shape.heads + kv_head * group;
    let mut head = 0;
    while head + TOGETHER <= group {
        heads_of_block::<TOGETHER>(attention, cache, start + head, kv_head, first, count);
        head += TOGETHER;
    }
    if head < group {
        heads_of_block::<1>(attention, cache, start + head, kv_head, first, count);
    }
}

/// `HEADS` neighbouring heads from `head` on, counted over all queries.
#[inline(always)]
fn heads_of_block<const HEADS: usize>(
    attention: &mut Attention<'_>,
    cache: &impl Cache,
    head: usize,
    kv_head: usize,
    first: usize,
    count: usize,
) {
    let dim = attention.shape.dim;
    let q = attention.q[head * dim..][..HEADS * dim].as_ptr();
    let sums = attention.y[head * dim..][..HEADS * dim].as_mut_ptr();
    let mut scores = [[f32::NEG_INFINITY; KEYS]; HEADS];
    for i in 0..count {
        // SAFETY: the key is one that the query sees, and q has `HEADS` heads.
        let products = unsafe { cache.products::<HEADS>(first + i, kv_head, q) };
        for (scores, product) in scores.iter_mut().zip(products) {
            scores[i] = product * attention.scale;
        }
    }
    let running = &mut attention.running[head..][..HEADS];
    let weights = core::array::from_fn(|i| weigh(&scores[i], &mut running[i]));
    // SAFETY: as above, for values and sums.
    unsafe { cache.add_values::<HEADS>(first, count, kv_head, &weights, sums) };
}

/// The weights of a block's scores, relative to the largest so far.
///
/// Where all scores so far are minus infinity, the weights are 0, and the query's result is 0 / 0 unless
/// a score follows that is not. NaN is passed over in the search for the largest, for it makes the sum of
/// the weights NaN anyway; as plus infinity does, whose distance from itself is NaN.
#[inline(always)]
fn weigh(scores: &[f32; KEYS], [largest, sum]: &mut [f32; 2]) -> Weights {
    // SAFETY: there are two vectors of scores.
    let scores = unsafe { [0, LANES].map(|at| load(scores.as_ptr().add(at))) };
    let new = largest_lane(f32x4_pmax(scores[0], scores[1]));
    let new = if *largest < new { new } else { *largest };
    let reference = f32x4_splat(if new == f32::NEG_INFINITY { 0.0 } else { new });
    let powers = scores.map(|score| exp::exp_of_negative(f32x4_sub(reference, score)));
    let of_sum = exp::exp_of_negative(f32x4_sub(reference, f32x4_splat(*largest)));
    let of_sum = f32x4_extract_lane::<0>(of_sum);
    *largest = new;
    *sum = *sum * of_sum + horizontal_sum(f32x4_add(powers[0], powers[1]));
    let mut weights = Weights {
        of_values: [0.0; KEYS],
        of_sum,
    };
    for (at, power) in [0, LANES].into_iter().zip(powers) {
        // SAFETY: there are two vectors of weights.
        unsafe { store(weights.of_values.as_mut_ptr().add(at), power) };
    }
    weights
}

#[inline(always)]
fn largest_lane(value: v128) -> f32 {
    let larger = |a: f32, b: f32| if a < b { b } else { a };
    larger(
        larger(
            f32x4_extract_lane::<0>(value),
            f32x4_extract_lane::<1>(value),
        ),
        larger(
            f32x4_extract_lane::<2>(value),
            f32x4_extract_lane::<3>(value),
        ),
    )
}
