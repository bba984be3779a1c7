use super::count;
use crate::Element;

/// Layer normalisation of each row of `weight.len()` elements, as
/// [`oracle::layernorm`](crate::oracle::layernorm) has it, in two passes: the mean first, then the
/// distances from it, which keep their digits where the mean is large.
///
/// # Panics
///
/// If `x` is not a whole number of rows, `bias` differs from `weight` in length, or `y` from `x`.
pub fn layernorm<T: Element>(x: &[T], weight: &[T], bias: &[T], eps: f32, y: &mut [T]) {
    let hidden = weight.len();
    assert!(
        hidden > 0 && x.len().is_multiple_of(hidden),
        "x must be [rows, hidden]"
    );
    assert_eq!(bias.len(), hidden, "bias must have the shape of weight");
    assert_eq!(x.len(), y.len(), "y must have the shape of x");
    for (x, y) in x.chunks_exact(hidden).zip(y.chunks_exact_mut(hidden)) {
        let mean = sum(x, |x| x) / count(hidden);
        let variance = sum(x, |x| (x - mean) * (x - mean)) / count(hidden);
        let inverse = 1.0 / (variance + eps).sqrt();
        for ((y, &x), (&weight, &bias)) in y.iter_mut().zip(x).zip(weight.iter().zip(bias)) {
            *y = T::round((x.widen() - mean) * inverse * weight.widen() + bias.widen());
        }
    }
}

/// Eight sums side by side: the compiler may not reorder a single one.
fn sum<T: Element>(x: &[T], term: impl Fn(f32) -> f32) -> f32 {
    let mut sums = [0.0_f32; 8];
    let (blocks, rest) = x.as_chunks::<8>();
    for block in blocks {
        for (sum, &x) in sums.iter_mut().zip(block) {
            *sum += term(x.widen());
        }
    }
    for (sum, &x) in sums.iter_mut().zip(rest) {
        *sum += term(x.widen());
    }
    sums.iter().sum()
}
