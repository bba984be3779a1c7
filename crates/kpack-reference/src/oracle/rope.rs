use super::count;
use crate::element::exact;
use crate::{Element, PairLayout, RopeShape};

/// The tables of a rotary position embedding, [seq, 2, half]: for each position p the cosines of
/// `p * theta^(-i / half)`, i in 0..half, then their sines.
///
/// Su et al., "RoFormer: Enhanced Transformer with Rotary Position Embedding", 2021, equation 15,
/// with half the rotary dimension for d/2 and i counted from 0.
#[must_use]
pub fn rope_freqs(positions: &[i32], half: usize, theta: f32) -> Vec<f64> {
    let mut freqs = Vec::with_capacity(positions.len() * 2 * half);
    for &position in positions {
        let angle = |i: usize| f64::from(position) * f64::from(theta).powf(-count(i) / count(half));
        freqs.extend((0..half).map(|i| angle(i).cos()));
        freqs.extend((0..half).map(|i| angle(i).sin()));
    }
    freqs
}

/// Rotary position embedding with given tables: pair (a, b) of a head becomes
/// `(a cos - b sin, b cos + a sin)`; elements from `2 * half` on pass through.
///
/// Su et al., 2021, equation 34.
///
/// # Panics
///
/// If `x` or `freqs` does not have the elements that `shape` says, or `2 * half` exceeds `dim`.
#[must_use]
pub fn rope<T: Element>(shape: RopeShape, layout: PairLayout, x: &[T], freqs: &[f32]) -> Vec<f64> {
    shape.assert_fits(x, freqs);
    let mut y: Vec<f64> = x.iter().map(|&x| exact(x)).collect();
    for (head, (cos, sin)) in y
        .chunks_exact_mut(shape.dim.max(1))
        .zip(shape.rows_of_heads(freqs))
    {
        for i in 0..shape.half {
            let (first, second) = layout.places(i, shape.half);
            let (a, b) = (head[first], head[second]);
            let (cos, sin) = (f64::from(cos[i]), f64::from(sin[i]));
            head[first] = a * cos - b * sin;
            head[second] = b * cos + a * sin;
        }
    }
    y
}
