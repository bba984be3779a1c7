use super::count;
use crate::Element;

/// Root mean square normalisation of each row of `weight.len()` elements, as
/// [`oracle::rmsnorm`](crate::oracle::rmsnorm) has it. Squares beyond the range of `f32` make the row
/// zero.
///
/// # Panics
///
/// If `x` is not a whole number of rows, or `y` differs from it in length.
pub fn rmsnorm<T: Element>(x: &[T], weight: &[T], eps: f32, weight_offset: f32, y: &mut [T]) {
    let hidden = weight.len();
    assert!(
        hidden > 0 && x.len().is_multiple_of(hidden),
        "x must be [rows, hidden]"
    );
    assert_eq!(x.len(), y.len(), "y must have the shape of x");
    for (x, y) in x.chunks_exact(hidden).zip(y.chunks_exact_mut(hidden)) {
        let inverse = 1.0 / (sum_of_squares(x) / count(hidden) + eps).sqrt();
        for ((y, &x), &weight) in y.iter_mut().zip(x).zip(weight) {
            *y = T::round(x.widen() * inverse * (weight.widen() + weight_offset));
        }
    }
}

/// Eight sums side by side: the compiler may not reorder a single one, and a long row in a single
/// one would also lose digits.
fn sum_of_squares<T: Element>(x: &[T]) -> f32 {
    let mut sums = [0.0_f32; 8];
    let (blocks, rest) = x.as_chunks::<8>();
    for block in blocks {
        for (sum, &x) in sums.iter_mut().zip(block) {
            *sum += x.widen() * x.widen();
        }
    }
    for (sum, &x) in sums.iter_mut().zip(rest) {
        *sum += x.widen() * x.widen();
    }
    sums.iter().sum()
}

/// [`rmsnorm`] of `x + residual`, which goes to `sum`, as
/// [`oracle::add_rmsnorm`](crate::oracle::add_rmsnorm) has it.
///
/// # Panics
///
/// If `x` is not a whole number of rows, or `residual`, `y` or `sum` differs from it in length.
pub fn add_rmsnorm(
    x: &[f32],
    residual: &[f32],
    weight: &[f32],
    eps: f32,
    weight_offset: f32,
    y: &mut [f32],
    sum: &mut [f32],
) {
    assert_eq!(x.len(), residual.len(), "residual must have the shape of x");
    assert_eq!(x.len(), sum.len(), "sum must have the shape of x");
    for ((sum, x), residual) in sum.iter_mut().zip(x).zip(residual) {
        *sum = x + residual;
    }
    rmsnorm(sum, weight, eps, weight_offset, y);
}
