/// Softmax of each row of `width` elements, as [`oracle::softmax`](crate::oracle::softmax) has it.
///
/// # Panics
///
/// If `x` is not a whole number of rows, or `y` differs from it in length.
pub fn softmax(x: &[f32], width: usize, y: &mut [f32]) {
    assert!(
        width > 0 && x.len().is_multiple_of(width),
        "x must be [rows, width]"
    );
    assert_eq!(x.len(), y.len(), "y must have the shape of x");
    for (x, y) in x.chunks_exact(width).zip(y.chunks_exact_mut(width)) {
        y.copy_from_slice(x);
        softmax_in_place(y);
    }
}

pub(super) fn softmax_in_place(row: &mut [f32]) {
    let max = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for value in row.iter_mut() {
        *value = (*value - max).exp();
        sum += *value;
    }
    row.iter_mut().for_each(|value| *value /= sum);
}
