//! Root mean square normalisation.

use super::lanes::{Lanes, Op};

/// Sums side by side: each addition waits for the one before it in the same sum only.
const SUMS: usize = 8;

pub(super) struct RmsNorm<'a> {
    pub(super) x: &'a [f32],
    pub(super) weight: &'a [f32],
    pub(super) eps: f32,
    pub(super) y: &'a mut [f32],
}

impl Op for RmsNorm<'_> {
    #[inline(always)]
    fn run<const N: usize, L: Lanes<N>>(self, lanes: L) {
        let hidden = self.weight.len();
        let rows = self.x.chunks_exact(hidden);
        for (x, y) in rows.zip(self.y.chunks_exact_mut(hidden)) {
            let mean = sum_of_squares(lanes, x) / count(hidden);
            scale(lanes, x, 1.0 / (mean + self.eps).sqrt(), self.weight, y);
        }
    }
}

#[inline(always)]
fn sum_of_squares<const N: usize, L: Lanes<N>>(lanes: L, x: &[f32]) -> f32 {
    let mut sums = [lanes.splat(0.0); SUMS];
    let (registers, tail) = x.as_chunks::<N>();
    let (blocks, rest) = registers.as_chunks::<SUMS>();
    for block in blocks {
        for (sum, x) in sums.iter_mut().zip(block) {
            let x = lanes.load(x);
            *sum = lanes.multiply_add(x, x, *sum);
        }
    }
    for (sum, x) in sums.iter_mut().zip(rest) {
        let x = lanes.load(x);
        *sum = lanes.multiply_add(x, x, *sum);
    }
    let x = lanes.load_tail(tail);
    sums[SUMS - 1] = lanes.multiply_add(x, x, sums[SUMS - 1]);
    let [a, b, c, d, e, f, g, h] = sums;
    let add = |a, b| lanes.add(a, b);
    lanes.sum(add(add(add(a, b), add(c, d)), add(add(e, f), add(g, h))))
}

#[inline(always)]
fn scale<const N: usize, L: Lanes<N>>(
    lanes: L,
    x: &[f32],
    factor: f32,
    weight: &[f32],
    y: &mut [f32],
) {
    let factor = lanes.splat(factor);
    let scaled = |x, weight| lanes.multiply(lanes.multiply(x, factor), weight);
    let ((x, x_tail), (weight, weight_tail)) = (x.as_chunks::<N>(), weight.as_chunks::<N>());
    let (y, y_tail) = y.as_chunks_mut::<N>();
    for ((x, weight), y) in x.iter().zip(weight).zip(y) {
        lanes.store(scaled(lanes.load(x), lanes.load(weight)), y);
    }
    let tail = scaled(lanes.load_tail(x_tail), lanes.load_tail(weight_tail));
    lanes.store_tail(tail, y_tail);
}

/// A length as a number, exact below 2^24.
#[expect(
    clippy::cast_precision_loss,
    reason = "a row of 16 million elements needs no exact mean"
)]
const fn count(length: usize) -> f32 {
    length as f32
}
