use kpack_reference::native;
use kpack_schema::{DataType, tensor_byte_len};

use super::{Outcome, input, output};
use crate::native::{NativeCall, NativeError};

pub(super) fn kv_pack_q8(call: &mut NativeCall<'_>) -> Outcome {
    pack(call, DataType::Q8, native::kv_pack_q8)
}

pub(super) fn kv_pack_q4(call: &mut NativeCall<'_>) -> Outcome {
    pack(call, DataType::Q4, native::kv_pack_q4)
}

fn pack(call: &mut NativeCall<'_>, dtype: DataType, pack: fn(&[f32], &mut [u8])) -> Outcome {
    let x = call.tensor("x")?;
    let bytes = byte_len(dtype, x.shape())?;
    let x = call.input::<f32>("x")?;
    pack(x, output(call, "blocks", bytes)?);
    Ok(())
}

pub(super) fn kv_unpack_q8(call: &mut NativeCall<'_>) -> Outcome {
    unpack(call, DataType::Q8, native::kv_unpack_q8)
}

pub(super) fn kv_unpack_q4(call: &mut NativeCall<'_>) -> Outcome {
    unpack(call, DataType::Q4, native::kv_unpack_q4)
}

fn unpack(call: &mut NativeCall<'_>, dtype: DataType, unpack: fn(&[u8], &mut [f32])) -> Outcome {
    let blocks = call.tensor("blocks")?;
    let elements = blocks.shape().iter().product();
    let bytes = byte_len(dtype, blocks.shape())?;
    let blocks = input::<u8>(call, "blocks", bytes)?;
    unpack(blocks, output(call, "y", elements)?);
    Ok(())
}

fn byte_len(dtype: DataType, shape: &[usize]) -> Result<usize, NativeError> {
    let bytes = tensor_byte_len(dtype, shape).ok();
    let bytes = bytes.and_then(|bytes| usize::try_from(bytes).ok());
    bytes.ok_or_else(|| NativeError::mismatch("a row is no whole number of blocks"))
}

pub(super) fn quantize_rows_i8(call: &mut NativeCall<'_>) -> Outcome {
    let x = call.input::<f32>("x")?;
    let rows = call.tensor("x")?.shape().first().copied().unwrap_or(1);
    let mut scale = vec![0.0; rows];
    native::quantize_rows_i8(x, output(call, "q", x.len())?, &mut scale);
    output(call, "scale", rows)?.copy_from_slice(&scale);
    Ok(())
}

pub(super) fn dequantize_rows_i8(call: &mut NativeCall<'_>) -> Outcome {
    let q = call.input::<i8>("q")?;
    let rows = call.tensor("q")?.shape().first().copied().unwrap_or(1);
    let scale = input::<f32>(call, "scale", rows)?;
    native::dequantize_rows_i8(q, scale, output(call, "y", q.len())?);
    Ok(())
}

pub(super) fn dequantize_rows_u8(call: &mut NativeCall<'_>) -> Outcome {
    let q = call.input::<u8>("q")?;
    let rows = call.tensor("q")?.shape().first().copied().unwrap_or(1);
    let scale = input::<f32>(call, "scale", rows)?;
    let zero_point = input::<f32>(call, "zero_point", rows)?;
    native::dequantize_rows_u8(q, scale, zero_point, output(call, "y", q.len())?);
    Ok(())
}
