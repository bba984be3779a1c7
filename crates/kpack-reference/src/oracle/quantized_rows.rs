use super::blocks::largest_magnitude;

/// Each row of `width` elements as `i8` with a scale of its own: `scale = max |x| / 127` in `f32`,
/// `q = round(x / scale)`, half away from zero. Gives `q` and `scale`.
///
/// The integers are made from the scale as it is stored. An all-zero row has scale 0 and zeros; a row
/// that holds NaN or an infinity has NaN or infinity for its scale, and zeros.
///
/// # Panics
///
/// If `x` is not a whole number of rows.
#[must_use]
pub fn quantize_rows_i8(x: &[f32], width: usize) -> (Vec<i8>, Vec<f32>) {
    assert!(
        width > 0 && x.len().is_multiple_of(width),
        "x must be [rows, width]"
    );
    let scales: Vec<f32> = x
        .chunks_exact(width)
        .map(|row| largest_magnitude(row) / 127.0)
        .collect();
    let rows = x.chunks_exact(width).zip(&scales);
    let q = rows.flat_map(|(row, &scale)| row.iter().map(move |&x| quantize(x, scale)));
    (q.collect(), scales)
}

/// [`quantize_rows_i8`]'s inverse: `y = q * scale`.
///
/// # Panics
///
/// If `q` is not a whole number of `scale.len()` rows.
#[must_use]
pub fn dequantize_rows_i8(q: &[i8], scale: &[f32]) -> Vec<f64> {
    let width = width_of_rows(q, scale);
    let rows = q.chunks_exact(width).zip(scale);
    rows.flat_map(|(row, &scale)| row.iter().map(move |&q| f64::from(q) * f64::from(scale)))
        .collect()
}

/// Rows of `u8` with a scale and a zero point each: `y = (q - zero_point) * scale`.
///
/// # Panics
///
/// If `q` is not a whole number of `scale.len()` rows, or `zero_point` differs from `scale` in length.
#[must_use]
pub fn dequantize_rows_u8(q: &[u8], scale: &[f32], zero_point: &[f32]) -> Vec<f64> {
    assert_eq!(scale.len(), zero_point.len(), "zero_point must be [rows]");
    let width = width_of_rows(q, scale);
    let rows = q.chunks_exact(width).zip(scale.iter().zip(zero_point));
    rows.flat_map(|(row, (&scale, &zero_point))| {
        row.iter()
            .map(move |&q| (f64::from(q) - f64::from(zero_point)) * f64::from(scale))
    })
    .collect()
}

fn width_of_rows<T>(q: &[T], scale: &[f32]) -> usize {
    assert!(
        !scale.is_empty() && q.len().is_multiple_of(scale.len()),
        "q must be [rows, width]"
    );
    (q.len() / scale.len()).max(1)
}

/// The division is one of `f32`: which codes stand for a tie depends on it.
#[expect(clippy::cast_possible_truncation, reason = "saturating is meant")]
fn quantize(x: f32, scale: f32) -> i8 {
    if scale == 0.0 || !scale.is_finite() {
        return 0;
    }
    ((x / scale).round() as i8).max(-127)
}
