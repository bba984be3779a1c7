/// Softmax, each row of `width` elements on its own: `y = exp(x - max) / sum(exp(x - max))`.
///
/// Minus infinity has no share. A row of nothing else is NaN, as is one with NaN or plus infinity.
///
/// # Panics
///
/// If `x` is not a whole number of rows.
#[must_use]
pub fn softmax(x: &[f32], width: usize) -> Vec<f64> {
    assert!(
        width > 0 && x.len().is_multiple_of(width),
        "x must be [rows, width]"
    );
    let rows = x.chunks_exact(width);
    rows.flat_map(|row| {
        let row: Vec<f64> = row.iter().map(|&x| f64::from(x)).collect();
        softmax_of_row(&row)
    })
    .collect()
}

pub(super) fn softmax_of_row(row: &[f64]) -> Vec<f64> {
    let max = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = row.iter().map(|x| (x - max).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|power| power / sum).collect()
}
