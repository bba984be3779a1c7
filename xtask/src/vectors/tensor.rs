use anyhow::{Context, Result};
use safetensors::Dtype;
use safetensors::tensor::TensorView;

/// A tensor of a vector.
pub(super) struct Tensor {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Tensor {
    pub(super) fn f32(shape: &[usize], values: &[f32]) -> Self {
        Self {
            dtype: Dtype::F32,
            shape: shape.to_vec(),
            bytes: values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect(),
        }
    }

    /// What an oracle gives, rounded.
    pub(super) fn rounded(shape: &[usize], exact: &[f64]) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "the result is of f32")]
        let rounded: Vec<f32> = exact.iter().map(|&value| value as f32).collect();
        Self::f32(shape, &rounded)
    }

    /// Elements of a half type, or of any other whose bytes are given.
    pub(super) fn of_bytes(dtype: Dtype, shape: &[usize], bytes: Vec<u8>) -> Self {
        Self {
            dtype,
            shape: shape.to_vec(),
            bytes,
        }
    }

    pub(super) fn i32(shape: &[usize], values: &[i32]) -> Self {
        Self {
            dtype: Dtype::I32,
            shape: shape.to_vec(),
            bytes: values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect(),
        }
    }
}

/// The bytes of a safetensors file.
pub(super) fn file(tensors: &[(&'static str, Tensor)]) -> Result<Vec<u8>> {
    let mut views = Vec::new();
    for (name, tensor) in tensors {
        let view = TensorView::new(tensor.dtype, tensor.shape.clone(), &tensor.bytes);
        views.push((*name, view.with_context(|| format!("no tensor: `{name}`"))?));
    }
    safetensors::serialize(views, None).context("the tensors cannot be written")
}
