use crate::element::exact;
use crate::{Element, LoraShape};

/// A low-rank adapter applied to the result of the product that it adapts:
/// `y = base + scale * (x lora_a^T) lora_b^T`.
///
/// Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", 2021, equation 3.
///
/// # Panics
///
/// If a tensor does not have the elements that `shape` says.
#[must_use]
pub fn lora_apply<T: Element>(
    shape: LoraShape,
    base: &[T],
    x: &[T],
    lora_a: &[T],
    lora_b: &[T],
    scale: f32,
) -> Vec<f64> {
    shape.assert_fits(base, x, lora_a, lora_b);
    let mut y: Vec<f64> = base.iter().map(|&base| exact(base)).collect();
    for row in 0..shape.rows {
        let x = &x[row * shape.inputs..][..shape.inputs];
        let narrow: Vec<f64> = (0..shape.rank)
            .map(|r| dot(x, &lora_a[r * shape.inputs..][..shape.inputs]))
            .collect();
        for output in 0..shape.outputs {
            let lora_b = &lora_b[output * shape.rank..][..shape.rank];
            let products = narrow.iter().zip(lora_b).map(|(n, &b)| n * exact(b));
            y[row * shape.outputs + output] += exact(scale) * products.sum::<f64>();
        }
    }
    y
}

fn dot<T: Element>(a: &[T], b: &[T]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| exact(a) * exact(b)).sum()
}
