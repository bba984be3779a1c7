use super::blocks::{largest_magnitude, saturate};

/// Each row of `x` as `i8` with a scale of its own, as
/// [`oracle::quantize_rows_i8`](crate::oracle::quantize_rows_i8) has it.
///
/// # Panics
///
/// If `x` is not a whole number of `scale.len()` rows, or `q` differs from it in length.
pub fn quantize_rows_i8(x: &[f32], q: &mut [i8], scale: &mut [f32]) {
    let width = width_of_rows(x, scale);
    assert_eq!(x.len(), q.len(), "q must have the shape of x");
    let rows = x.chunks_exact(width).zip(q.chunks_exact_mut(width));
    for ((x, q), scale) in rows.zip(scale) {
        *scale = f32::from_bits(largest_magnitude(x)) / 127.0;
        if *scale == 0.0 || !scale.is_finite() {
            q.fill(0);
            continue;
        }
        for (q, x) in q.iter_mut().zip(x) {
            *q = saturate((x / *scale).round()).max(-127);
        }
    }
}

/// Rows of `i8` times their scales.
///
/// # Panics
///
/// If `q` is not a whole number of `scale.len()` rows, or `y` differs from it in length.
pub fn dequantize_rows_i8(q: &[i8], scale: &[f32], y: &mut [f32]) {
    let width = width_of_rows(q, scale);
    assert_eq!(q.len(), y.len(), "y must have the shape of q");
    let rows = q.chunks_exact(width).zip(y.chunks_exact_mut(width));
    for ((q, y), scale) in rows.zip(scale) {
        for (y, &q) in y.iter_mut().zip(q) {
            *y = f32::from(q) * scale;
        }
    }
}

/// Rows of `u8`, each less its zero point, times their scales.
///
/// # Panics
///
/// If `q` is not a whole number of `scale.len()` rows, `zero_point` differs from `scale` in length, or
/// `y` from `q`.
pub fn dequantize_rows_u8(q: &[u8], scale: &[f32], zero_point: &[f32], y: &mut [f32]) {
    let width = width_of_rows(q, scale);
    assert_eq!(scale.len(), zero_point.len(), "zero_point must be [rows]");
    assert_eq!(q.len(), y.len(), "y must have the shape of q");
    let rows = q.chunks_exact(width).zip(y.chunks_exact_mut(width));
    for ((q, y), (scale, zero_point)) in rows.zip(scale.iter().zip(zero_point)) {
        for (y, &q) in y.iter_mut().zip(q) {
            *y = (f32::from(q) - zero_point) * scale;
        }
    }
}

fn width_of_rows<T>(elements: &[T], scale: &[f32]) -> usize {
    assert!(
        !scale.is_empty() && elements.len().is_multiple_of(scale.len()),
        "there must be a whole number of rows"
    );
    (elements.len() / scale.len()).max(1)
}
