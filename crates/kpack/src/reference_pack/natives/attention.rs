use kpack_reference::{AttentionShape, Mask, native};

use super::{Outcome, bool, f32, input, output};
use crate::native::{NativeCall, NativeError};

pub(super) fn attention(call: &mut NativeCall<'_>) -> Outcome {
    let (shape, mask) = checked(call)?;
    let scale = f32(call, "scale", 0.0)?;
    let q = input::<f32>(call, "q", shape.query_elements())?;
    let k = input::<f32>(call, "k", shape.key_elements())?;
    let v = input::<f32>(call, "v", shape.key_elements())?;
    native::attention(shape, mask, scale, q, k, v, output(call, "y", q.len())?);
    Ok(())
}

pub(super) fn attention_q8(call: &mut NativeCall<'_>) -> Outcome {
    let (shape, mask) = checked(call)?;
    let scale = f32(call, "scale", 0.0)?;
    let q = input::<f32>(call, "q", shape.query_elements())?;
    let bytes = shape.key_elements() / 32 * 34;
    let k = input::<u8>(call, "k", bytes)?;
    let v = input::<u8>(call, "v", bytes)?;
    native::attention_q8(shape, mask, scale, q, k, v, output(call, "y", q.len())?);
    Ok(())
}

fn checked(call: &NativeCall<'_>) -> Result<(AttentionShape, Mask), NativeError> {
    let (q, k) = (call.tensor("q")?, call.tensor("k")?);
    let (&[q_seq, heads, dim], &[kv_seq, kv_heads, _]) = (q.shape(), k.shape()) else {
        let expected = "q is not [q_seq, heads, dim], or k not [kv_seq, kv_heads, dim]";
        return Err(NativeError::mismatch(expected));
    };
    let mask = if bool(call, "causal", true)? {
        Mask::Causal
    } else {
        Mask::None
    };
    if kv_heads == 0 || !heads.is_multiple_of(kv_heads) {
        return Err(NativeError::refused("heads is no multiple of kv_heads"));
    }
    if mask == Mask::Causal && kv_seq < q_seq {
        return Err(NativeError::refused(
            "kv_seq is less than q_seq under a causal mask",
        ));
    }
    let shape = AttentionShape {
        q_seq,
        kv_seq,
        heads,
        kv_heads,
        dim,
    };
    Ok((shape, mask))
}
