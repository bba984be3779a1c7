/// y = x W^T for the rows of `x`: the matrix products that kpack leaves to the host, as plain loops.
///
/// `x` is [rows, width], `weight` [out, width] and `y` [rows, out].
///
/// # Panics
///
/// If the slices do not fit each other.
pub(crate) fn product(x: &[f32], weight: &[f32], width: usize, y: &mut [f32]) {
    let out = weight.len() / width;
    assert_eq!(weight.len(), out * width, "weight must be [out, width]");
    assert_eq!(x.len() / width * out, y.len(), "y must be [rows, out]");
    for (x, y) in x.chunks_exact(width).zip(y.chunks_exact_mut(out)) {
        for (weight, y) in weight.chunks_exact(width).zip(y) {
            *y = dot(x, weight);
        }
    }
}

/// Sixteen sums side by side, which the compiler turns into vectors.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 16];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<16>(), b.as_chunks::<16>());
    for (a, b) in a.iter().zip(b) {
        for i in 0..16 {
            sums[i] += a[i] * b[i];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}
