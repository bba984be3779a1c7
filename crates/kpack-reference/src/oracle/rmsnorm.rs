use super::count;
use crate::Element;
use crate::element::exact;

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
pub fn rmsnorm<T: Element>(x: &[T], weight: &[T], eps: f32, weight_offset: f32) -> Vec<f64> {
    let x: Vec<f64> = x.iter().map(|&x| exact(x)).collect();
    let weight: Vec<f64> = weight
        .iter()
        .map(|&weight| exact(weight) + exact(weight_offset))
        .collect();
    normalize(&x, &weight, eps)
}

/// [`rmsnorm`] of a sum: `sum = x + residual`, `y = rmsnorm(sum)`; gives `y` and `sum`.
///
/// # Panics
///
/// If `x` is not a whole number of rows, or `residual` differs from it in length.
#[must_use]
pub fn add_rmsnorm(
    x: &[f32],
    residual: &[f32],
    weight: &[f32],
    eps: f32,
    weight_offset: f32,
) -> (Vec<f64>, Vec<f64>) {
    assert_eq!(x.len(), residual.len(), "residual must have the shape of x");
    let pairs = x.iter().zip(residual);
    let sum: Vec<f64> = pairs
        .map(|(&x, &residual)| exact(x) + exact(residual))
        .collect();
    let weight: Vec<f64> = weight
        .iter()
        .map(|&weight| exact(weight) + exact(weight_offset))
        .collect();
    (normalize(&sum, &weight, eps), sum)
}

/// Rows of `weight.len()` elements, each divided by its root mean square and multiplied by `weight`.
fn normalize(x: &[f64], weight: &[f64], eps: f32) -> Vec<f64> {
    let hidden = weight.len();
    assert!(
        hidden > 0 && x.len().is_multiple_of(hidden),
        "x must be [rows, hidden]"
    );
    let mut y = Vec::with_capacity(x.len());
    for row in x.chunks_exact(hidden) {
        let squares: f64 = row.iter().map(|x| x.powi(2)).sum();
        let root = (squares / count(hidden) + exact(eps)).sqrt();
        y.extend(row.iter().zip(weight).map(|(x, weight)| x / root * weight));
    }
    y
}
