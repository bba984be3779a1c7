//! Each kernel as a plain `f32` loop, without SIMD intrinsics: what the compiler makes of it is what
//! a sandboxed kernel's speed is compared with.
//!
//! The results go to a slice that the caller owns. NaN and infinities propagate as the formulas say.

use crate::{PairLayout, RopeShape};

/// Root mean square normalisation of each row of `weight.len()` elements, as
/// [`oracle::rmsnorm`](crate::oracle::rmsnorm) has it. Squares beyond the range of `f32` make the row
/// zero.
///
/// # Panics
///
/// If `x` is not a whole number of rows, or `y` differs from it in length.
pub fn rmsnorm(x: &[f32], weight: &[f32], eps: f32, weight_offset: f32, y: &mut [f32]) {
    let hidden = weight.len();
    assert!(
        hidden > 0 && x.len().is_multiple_of(hidden),
        "x must be [rows, hidden]"
    );
    assert_eq!(x.len(), y.len(), "y must have the shape of x");
    for (x, y) in x.chunks_exact(hidden).zip(y.chunks_exact_mut(hidden)) {
        let inverse = 1.0 / (sum_of_squares(x) / count(hidden) + eps).sqrt();
        for ((y, &x), &weight) in y.iter_mut().zip(x).zip(weight) {
            *y = x * inverse * (weight + weight_offset);
        }
    }
}

/// Eight sums side by side: the compiler may not reorder a single one, and a long row in a single
/// one would also lose digits.
fn sum_of_squares(x: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 8];
    let (blocks, rest) = x.as_chunks::<8>();
    for block in blocks {
        for (sum, &x) in sums.iter_mut().zip(block) {
            *sum += x * x;
        }
    }
    for (sum, &x) in sums.iter_mut().zip(rest) {
        *sum += x * x;
    }
    sums.iter().sum()
}

/// SwiGLU, element by element, as [`oracle::swiglu`](crate::oracle::swiglu) has it.
///
/// # Panics
///
/// If the three slices differ in length.
pub fn swiglu(gate: &[f32], up: &[f32], y: &mut [f32]) {
    assert_eq!(gate.len(), up.len(), "gate and up must have the same shape");
    assert_eq!(gate.len(), y.len(), "y must have the shape of gate");
    for ((y, &gate), &up) in y.iter_mut().zip(gate).zip(up) {
        *y = gate / (1.0 + (-gate).exp()) * up;
    }
}

/// The tables of a rotary position embedding, as [`oracle::rope_freqs`](crate::oracle::rope_freqs)
/// has them; the angles are formed in `f64` here too, for in `f32` they are wrong at long positions.
///
/// # Panics
///
/// If `freqs` is not [positions.len(), 2, half].
pub fn rope_freqs(positions: &[i32], half: usize, theta: f32, freqs: &mut [f32]) {
    assert_eq!(
        freqs.len(),
        positions.len() * 2 * half,
        "freqs must be [seq, 2, half]"
    );
    let frequencies: Vec<f64> = (0..half)
        .map(|i| f64::from(theta).powf(-f64::from(count(i)) / f64::from(count(half))))
        .collect();
    for (&position, rows) in positions
        .iter()
        .zip(freqs.chunks_exact_mut((2 * half).max(1)))
    {
        let (cosines, sines) = rows.split_at_mut(half);
        for ((cos, sin), frequency) in cosines.iter_mut().zip(sines).zip(&frequencies) {
            let (exact_sin, exact_cos) = (f64::from(position) * frequency).sin_cos();
            (*cos, *sin) = (round(exact_cos), round(exact_sin));
        }
    }
}

/// Rotary position embedding with given tables, as [`oracle::rope`](crate::oracle::rope) has it.
///
/// # Panics
///
/// If `x`, `freqs` or `y` does not have the elements that `shape` says, or `2 * half` exceeds `dim`.
pub fn rope(shape: RopeShape, layout: PairLayout, x: &[f32], freqs: &[f32], y: &mut [f32]) {
    shape.assert_fits(x, freqs);
    assert_eq!(x.len(), y.len(), "y must have the shape of x");
    let dim = shape.dim.max(1);
    let heads = x.chunks_exact(dim).zip(y.chunks_exact_mut(dim));
    for ((x, y), (cos, sin)) in heads.zip(shape.rows_of_heads(freqs)) {
        let (x, passed) = x.split_at(2 * shape.half);
        let (y, rest) = y.split_at_mut(2 * shape.half);
        match layout {
            PairLayout::Half => turn_halves(x, cos, sin, y),
            PairLayout::Interleaved => turn_neighbours(x, cos, sin, y),
        }
        rest.copy_from_slice(passed);
    }
}

fn turn_halves(x: &[f32], cos: &[f32], sin: &[f32], y: &mut [f32]) {
    let (a, b) = x.split_at(cos.len());
    let (ya, yb) = y.split_at_mut(cos.len());
    let pairs = a.iter().zip(b).zip(ya.iter_mut().zip(yb));
    for (((a, b), (ya, yb)), (cos, sin)) in pairs.zip(cos.iter().zip(sin)) {
        *ya = a * cos - b * sin;
        *yb = b * cos + a * sin;
    }
}

fn turn_neighbours(x: &[f32], cos: &[f32], sin: &[f32], y: &mut [f32]) {
    let ((x, _), (y, _)) = (x.as_chunks::<2>(), y.as_chunks_mut::<2>());
    for ((&[a, b], y), (cos, sin)) in x.iter().zip(y).zip(cos.iter().zip(sin)) {
        *y = [a * cos - b * sin, b * cos + a * sin];
    }
}

/// A length as a number, exact below 2^24.
#[expect(
    clippy::cast_precision_loss,
    reason = "a row of 16 million elements needs no exact mean"
)]
const fn count(length: usize) -> f32 {
    length as f32
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "rounding to the output's type is meant"
)]
const fn round(value: f64) -> f32 {
    value as f32
}
