use super::dot;
use crate::{Element, LoraShape};

/// A low-rank adapter applied to the result of the product that it adapts, as
/// [`oracle::lora_apply`](crate::oracle::lora_apply) has it.
///
/// # Panics
///
/// If a tensor does not have the elements that `shape` says.
pub fn lora_apply<T: Element>(
    shape: LoraShape,
    base: &[T],
    x: &[T],
    lora_a: &[T],
    lora_b: &[T],
    scale: f32,
    y: &mut [T],
) {
    shape.assert_fits(base, x, lora_a, lora_b);
    assert_eq!(base.len(), y.len(), "y must have the shape of base");
    let LoraShape {
        rows,
        inputs,
        outputs,
        rank,
    } = shape;
    let mut narrow = vec![0.0; rank];
    for row in 0..rows {
        let x = &x[row * inputs..][..inputs];
        for (r, narrow) in narrow.iter_mut().enumerate() {
            *narrow = scale * dot(x, &lora_a[r * inputs..][..inputs]);
        }
        for output in 0..outputs {
            let adapted = dot(&narrow, &lora_b[output * rank..][..rank]);
            let at = row * outputs + output;
            y[at] = T::round(base[at].widen() + adapted);
        }
    }
}
