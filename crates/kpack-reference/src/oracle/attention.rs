use super::count;
use super::softmax::softmax_of_row;
use crate::{AttentionShape, Mask};

/// Scaled dot-product attention: for each query and head the values' mean, weighted by
/// `softmax(scale * q . k)` over the keys that the query sees. A `scale` of 0 stands for
/// `1 / sqrt(dim)`.
///
/// Vaswani et al., "Attention Is All You Need", 2017, equation 1; with shared keys and values as in
/// Ainslie et al., "GQA", 2023.
///
/// # Panics
///
/// If a tensor does not have the elements that `shape` says, `heads` is no multiple of `kv_heads`, or
/// there are fewer keys than queries under a causal mask.
#[must_use]
pub fn attention(
    shape: AttentionShape,
    mask: Mask,
    scale: f32,
    q: &[f32],
    k: &[f32],
    v: &[f32],
) -> Vec<f64> {
    shape.assert_fits(mask, q, k, v);
    let scale = match scale {
        0.0 => 1.0 / count(shape.dim).sqrt(),
        given => f64::from(given),
    };
    let mut y = vec![0.0; shape.query_elements()];
    for query in 0..shape.q_seq {
        for head in 0..shape.heads {
            let at = shape.query_at(query, head);
            let key_at = |key| shape.key_at(key, head);
            let scores: Vec<f64> = (0..shape.keys_seen(mask, query))
                .map(|key| scale * dot(&q[at..][..shape.dim], &k[key_at(key)..][..shape.dim]))
                .collect();
            for (key, weight) in softmax_of_row(&scores).into_iter().enumerate() {
                let value = &v[key_at(key)..][..shape.dim];
                for (y, &value) in y[at..].iter_mut().zip(value) {
                    *y += weight * f64::from(value);
                }
            }
        }
    }
    y
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    let pairs = a.iter().zip(b);
    pairs.map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}
