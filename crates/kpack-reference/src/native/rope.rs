use super::count;
use crate::{Element, PairLayout, RopeShape};

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
pub fn rope<T: Element>(shape: RopeShape, layout: PairLayout, x: &[T], freqs: &[f32], y: &mut [T]) {
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

fn turn_halves<T: Element>(x: &[T], cos: &[f32], sin: &[f32], y: &mut [T]) {
    let (a, b) = x.split_at(cos.len());
    let (ya, yb) = y.split_at_mut(cos.len());
    let pairs = a.iter().zip(b).zip(ya.iter_mut().zip(yb));
    for (((a, b), (ya, yb)), (cos, sin)) in pairs.zip(cos.iter().zip(sin)) {
        let (a, b) = (a.widen(), b.widen());
        *ya = T::round(a * cos - b * sin);
        *yb = T::round(b * cos + a * sin);
    }
}

fn turn_neighbours<T: Element>(x: &[T], cos: &[f32], sin: &[f32], y: &mut [T]) {
    let ((x, _), (y, _)) = (x.as_chunks::<2>(), y.as_chunks_mut::<2>());
    for ((&[a, b], y), (cos, sin)) in x.iter().zip(y).zip(cos.iter().zip(sin)) {
        let (a, b) = (a.widen(), b.widen());
        *y = [T::round(a * cos - b * sin), T::round(b * cos + a * sin)];
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "rounding to the output's type is meant"
)]
const fn round(value: f64) -> f32 {
    value as f32
}
