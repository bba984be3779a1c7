//! Attention of few queries, in one pass with a running maximum.

use kpack_reference::AttentionShape;

use super::four::{Four, add, exp_of_at_most_zero, multiply, multiply_add, splat, sum};

/// Keys that are scored before their values are read.
const KEYS: usize = 8;
/// Heads that share each load of a key or a value.
const TOGETHER: usize = 2;
/// Registers of each head's sums.
const SUMS: usize = 4;
const STEP: usize = 4 * SUMS;

/// Causal attention with scores over the root of the dimension, as
/// [`kpack_reference::native::attention`] has it.
///
/// # Panics
///
/// If a tensor does not have the elements that `shape` says, as many heads share keys as no multiple of
/// two is, or `dim` is no multiple of 16.
pub(super) fn attention(shape: AttentionShape, q: &[f32], k: &[f32], v: &[f32], y: &mut [f32]) {
    let AttentionShape {
        q_seq,
        kv_seq,
        heads,
        kv_heads,
        dim,
    } = shape;
    let group = heads / kv_heads;
    assert!(
        group.is_multiple_of(TOGETHER) && dim.is_multiple_of(STEP),
        "not a shape of the benches"
    );
    let scale = 1.0 / f32::from(u16::try_from(dim).expect("a head is short")).sqrt();
    let mut running = vec![Running::default(); q_seq * heads];
    y.fill(0.0);
    for first in (0..kv_seq).step_by(KEYS) {
        for query in 0..q_seq {
            let seen = kv_seq - q_seq + query + 1;
            let count = KEYS.min(seen.saturating_sub(first));
            for head in (0..heads).step_by(TOGETHER) {
                let at = query * heads + head;
                let of_kv = (first * kv_heads + head / group) * dim;
                let rows = Rows {
                    from: of_kv,
                    apart: kv_heads * dim,
                    count,
                    dim,
                };
                let (q, y) = (
                    &q[at * dim..][..TOGETHER * dim],
                    &mut y[at * dim..][..TOGETHER * dim],
                );
                let scores = scores(&rows, q, k, scale);
                let running = running[at..].first_chunk_mut::<TOGETHER>();
                let running = running.expect("heads come in pairs");
                let weights = std::array::from_fn(|i| running[i].weigh(scores[i]));
                add_values(&rows, &weights, v, y);
            }
        }
    }
    for (y, running) in y.chunks_exact_mut(dim).zip(running) {
        let share = 1.0 / running.sum;
        y.iter_mut().for_each(|y| *y *= share);
    }
}

/// Some rows of keys or values of one head.
struct Rows {
    from: usize,
    apart: usize,
    count: usize,
    dim: usize,
}

impl Rows {
    fn row<'a>(&self, tensor: &'a [f32], index: usize) -> &'a [[Four; SUMS]] {
        let row = &tensor[self.from + index * self.apart..][..self.dim];
        row.as_chunks::<4>().0.as_chunks::<SUMS>().0
    }
}

/// A head's largest score so far, and the sum of the weights relative to it.
#[derive(Clone)]
struct Running {
    largest: f32,
    sum: f32,
}

impl Default for Running {
    fn default() -> Self {
        Self {
            largest: f32::NEG_INFINITY,
            sum: 0.0,
        }
    }
}

impl Running {
    /// The weights of the scores, and that of the sum of the values before.
    #[inline(always)]
    fn weigh(&mut self, scores: [f32; KEYS]) -> ([f32; KEYS], f32) {
        let largest =
            scores.iter().fold(
                self.largest,
                |largest, &score| {
                    if largest < score { score } else { largest }
                },
            );
        let relative =
            |scores: &Four| exp_of_at_most_zero(std::array::from_fn(|i| scores[i] - largest));
        let (fours, _) = scores.as_chunks::<4>();
        let powers = [relative(&fours[0]), relative(&fours[1])];
        let [of_sum, ..] = exp_of_at_most_zero(splat(self.largest - largest));
        self.largest = largest;
        self.sum = self.sum * of_sum + sum(add(powers[0], powers[1]));
        let [[a, b, c, d], [e, f, g, h]] = powers;
        ([a, b, c, d, e, f, g, h], of_sum)
    }
}

#[inline(always)]
fn scores(rows: &Rows, q: &[f32], k: &[f32], scale: f32) -> [[f32; KEYS]; TOGETHER] {
    let mut scores = [[f32::NEG_INFINITY; KEYS]; TOGETHER];
    let (first, second) = q.split_at(rows.dim);
    let queries = [first, second].map(|q| q.as_chunks::<4>().0.as_chunks::<SUMS>().0);
    for key in 0..rows.count {
        let mut sums = [[splat(0.0); SUMS]; TOGETHER];
        let k = rows.row(k, key);
        for ((k, first), second) in k.iter().zip(queries[0]).zip(queries[1]) {
            for i in 0..SUMS {
                sums[0][i] = multiply_add(k[i], first[i], sums[0][i]);
                sums[1][i] = multiply_add(k[i], second[i], sums[1][i]);
            }
        }
        for (scores, [a, b, c, d]) in scores.iter_mut().zip(sums) {
            scores[key] = sum(add(add(a, c), add(b, d))) * scale;
        }
    }
    scores
}

#[inline(always)]
fn add_values(rows: &Rows, weights: &[([f32; KEYS], f32); TOGETHER], v: &[f32], y: &mut [f32]) {
    let (first, second) = y.split_at_mut(rows.dim);
    let [first, second] =
        [first, second].map(|y| y.as_chunks_mut::<4>().0.as_chunks_mut::<SUMS>().0);
    for (at, places) in first.iter_mut().zip(second).enumerate() {
        let mut columns = [*places.0, *places.1];
        for (columns, (_, of_sum)) in columns.iter_mut().zip(weights) {
            *columns = columns.map(|column| multiply(column, splat(*of_sum)));
        }
        for key in 0..rows.count {
            let v = &rows.row(v, key)[at];
            for (columns, (of_values, _)) in columns.iter_mut().zip(weights) {
                let weight = splat(of_values[key]);
                for (column, &v) in columns.iter_mut().zip(v) {
                    *column = multiply_add(v, weight, *column);
                }
            }
        }
        (*places.0, *places.1) = (columns[0], columns[1]);
    }
}
