use crate::Element;

/// SwiGLU, element by element, as [`oracle::swiglu`](crate::oracle::swiglu) has it.
///
/// # Panics
///
/// If the three slices differ in length.
pub fn swiglu<T: Element>(gate: &[T], up: &[T], y: &mut [T]) {
    assert_eq!(gate.len(), up.len(), "gate and up must have the same shape");
    assert_eq!(gate.len(), y.len(), "y must have the shape of gate");
    for ((y, &gate), &up) in y.iter_mut().zip(gate).zip(up) {
        let (gate, up) = (gate.widen(), up.widen());
        *y = T::round(gate / (1.0 + (-gate).exp()) * up);
    }
}
