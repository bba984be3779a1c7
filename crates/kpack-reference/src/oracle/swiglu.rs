use crate::Element;
use crate::element::exact;

/// SwiGLU, element by element: `y = silu(gate) * up`, where `silu(g) = g / (1 + exp(-g))`.
///
/// Shazeer, "GLU Variants Improve Transformer", 2020. At minus infinity this gives NaN, as the
/// formula does in floating point; its limit is -0.
///
/// # Panics
///
/// If `gate` and `up` differ in length.
#[must_use]
pub fn swiglu<T: Element>(gate: &[T], up: &[T]) -> Vec<f64> {
    assert_eq!(gate.len(), up.len(), "gate and up must have the same shape");
    let pairs = gate
        .iter()
        .zip(up)
        .map(|(&gate, &up)| (exact(gate), exact(up)));
    pairs
        .map(|(gate, up)| gate / (1.0 + (-gate).exp()) * up)
        .collect()
}
