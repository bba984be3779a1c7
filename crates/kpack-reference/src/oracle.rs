//! Each formula in `f64`: inputs are the kernels' `f32`, results are not rounded.
//!
//! Rounding to `f32` is left to the caller, who can then see an error smaller than one unit in the
//! last place. Where `f64` itself is the limit (sums, sine and cosine), its error is some 1e-16 of
//! the terms, a billionth of what `f32` can show.

use crate::{PairLayout, RopeShape};

/// Root mean square normalisation, each row of `weight.len()` elements on its own:
/// `y = x / sqrt(mean(x^2) + eps) * (weight + weight_offset)`.
///
/// Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019. `weight_offset` is 0, or 1 for
/// models that store the weight's distance from one (Gemma). No square of an `f32` overflows here.
///
/// # Panics
///
/// If `x` is not a whole number of rows.
#[must_use]
pub fn rmsnorm(x: &[f32], weight: &[f32], eps: f32, weight_offset: f32) -> Vec<f64> {
    let hidden = weight.len();
    assert!(
        hidden > 0 && x.len().is_multiple_of(hidden),
        "x must be [rows, hidden]"
    );
    let mut y = Vec::with_capacity(x.len());
    for row in x.chunks_exact(hidden) {
        let squares: f64 = row.iter().map(|&x| f64::from(x).powi(2)).sum();
        let root = (squares / count(hidden) + f64::from(eps)).sqrt();
        for (&x, &weight) in row.iter().zip(weight) {
            y.push(f64::from(x) / root * (f64::from(weight) + f64::from(weight_offset)));
        }
    }
    y
}

/// SwiGLU, element by element: `y = silu(gate) * up`, where `silu(g) = g / (1 + exp(-g))`.
///
/// Shazeer, "GLU Variants Improve Transformer", 2020. At minus infinity this gives NaN, as the
/// formula does in floating point; its limit is -0.
///
/// # Panics
///
/// If `gate` and `up` differ in length.
#[must_use]
pub fn swiglu(gate: &[f32], up: &[f32]) -> Vec<f64> {
    assert_eq!(gate.len(), up.len(), "gate and up must have the same shape");
    let pairs = gate
        .iter()
        .zip(up)
        .map(|(&gate, &up)| (f64::from(gate), f64::from(up)));
    pairs
        .map(|(gate, up)| gate / (1.0 + (-gate).exp()) * up)
        .collect()
}

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
pub fn rope(shape: RopeShape, layout: PairLayout, x: &[f32], freqs: &[f32]) -> Vec<f64> {
    shape.assert_fits(x, freqs);
    let mut y: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
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

/// A length as a number; exact, for no slice has 2^53 elements.
#[expect(clippy::cast_precision_loss, reason = "lengths are below 2^53")]
const fn count(length: usize) -> f64 {
    length as f64
}
