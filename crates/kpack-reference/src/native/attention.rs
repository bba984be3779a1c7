use super::blocks::kv_unpack_q8;
use super::softmax::softmax_in_place;
use super::{count, dot};
use crate::{AttentionShape, Mask};

/// Scaled dot-product attention, as [`oracle::attention`](crate::oracle::attention) has it.
///
/// # Panics
///
/// If a tensor does not have the elements that `shape` says, `heads` is no multiple of `kv_heads`, or
/// there are fewer keys than queries under a causal mask.
pub fn attention(
    shape: AttentionShape,
    mask: Mask,
    scale: f32,
    q: &[f32],
    k: &[f32],
    v: &[f32],
    y: &mut [f32],
) {
    shape.assert_fits(mask, q, k, v);
    assert_eq!(q.len(), y.len(), "y must have the shape of q");
    let scale = match scale {
        0.0 => 1.0 / count(shape.dim).sqrt(),
        given => given,
    };
    y.fill(0.0);
    let mut weights = vec![0.0; shape.kv_seq];
    for query in 0..shape.q_seq {
        let weights = &mut weights[..shape.keys_seen(mask, query)];
        for head in 0..shape.heads {
            let at = shape.query_at(query, head);
            let (q, y) = (&q[at..][..shape.dim], &mut y[at..][..shape.dim]);
            for (key, weight) in weights.iter_mut().enumerate() {
                *weight = scale * dot(q, &k[shape.key_at(key, head)..][..shape.dim]);
            }
            softmax_in_place(weights);
            for (key, &weight) in weights.iter().enumerate() {
                let value = &v[shape.key_at(key, head)..][..shape.dim];
                for (y, value) in y.iter_mut().zip(value) {
                    *y += weight * value;
                }
            }
        }
    }
}

/// [`attention`] over keys and values in blocks of Q8_0, which are unpacked first.
///
/// # Panics
///
/// As [`attention`]; and if `dim` is no multiple of 32.
pub fn attention_q8(
    shape: AttentionShape,
    mask: Mask,
    scale: f32,
    q: &[f32],
    k: &[u8],
    v: &[u8],
    y: &mut [f32],
) {
    assert!(
        shape.dim.is_multiple_of(32),
        "dim must be a whole number of blocks"
    );
    let unpack = |blocks: &[u8]| {
        let mut values = vec![0.0; shape.key_elements()];
        kv_unpack_q8(blocks, &mut values);
        values
    };
    attention(shape, mask, scale, q, &unpack(k), &unpack(v), y);
}
