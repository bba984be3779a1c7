use super::count;
use crate::Element;
use crate::element::exact;

/// Layer normalisation, each row of `weight.len()` elements on its own:
/// `y = (x - mean) / sqrt(variance + eps) * weight + bias`, where the variance is the mean square of
/// the distances from the mean.
///
/// Ba, Kiros and Hinton, "Layer Normalization", 2016.
///
/// # Panics
///
/// If `x` is not a whole number of rows, or `bias` differs from `weight` in length.
#[must_use]
pub fn layernorm<T: Element>(x: &[T], weight: &[T], bias: &[T], eps: f32) -> Vec<f64> {
    let hidden = weight.len();
    assert!(
        hidden > 0 && x.len().is_multiple_of(hidden),
        "x must be [rows, hidden]"
    );
    assert_eq!(bias.len(), hidden, "bias must have the shape of weight");
    let mut y = Vec::with_capacity(x.len());
    for row in x.chunks_exact(hidden) {
        let mean = row.iter().map(|&x| exact(x)).sum::<f64>() / count(hidden);
        let squares: f64 = row.iter().map(|&x| (exact(x) - mean).powi(2)).sum();
        let deviation = (squares / count(hidden) + exact(eps)).sqrt();
        for ((&x, &weight), &bias) in row.iter().zip(weight).zip(bias) {
            y.push((exact(x) - mean) / deviation * exact(weight) + exact(bias));
        }
    }
    y
}
