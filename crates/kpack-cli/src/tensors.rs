//! Tensors in safetensors files, by the names and types of a manifest.

use kpack::{BoundDispatch, CallError, DataType, DispatchInputs, Signature};
use kpack_schema::{BLOCK_ELEMENTS, BoundTensor, TensorDecl};
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensorError, SafeTensors};

use crate::failure::Failure;
use crate::tensor_names::repeated_name;

/// A kernel's inputs in a file.
#[derive(Debug)]
pub(crate) struct Inputs<'a> {
    tensors: Vec<Input<'a>>,
    /// The names of tensors that the kernel does not take, sorted.
    pub(crate) extra: Vec<String>,
}

#[derive(Debug)]
struct Input<'a> {
    name: String,
    /// In elements.
    shape: Vec<usize>,
    bytes: &'a [u8],
}

impl<'a> Inputs<'a> {
    /// Finds every input of a kernel in the bytes of a safetensors file. `origin` names the file.
    pub(crate) fn read(
        signature: &Signature,
        file: &'a [u8],
        origin: &str,
    ) -> Result<Self, Failure> {
        if let Some(name) = repeated_name(file) {
            return Err(Failure::repeated_tensor(origin, &name));
        }
        let file = SafeTensors::deserialize(file)
            .map_err(|error| Failure::malformed_tensors(origin, &error))?;
        let tensors: Result<Vec<Input<'a>>, Failure> = signature
            .inputs()
            .iter()
            .map(|declared| find(declared, &file, origin))
            .collect();
        let tensors = tensors?;
        let is_extra = |name: &&str| !tensors.iter().any(|input| input.name == *name);
        let mut extra: Vec<String> = file
            .names()
            .into_iter()
            .filter(is_extra)
            .map(str::to_owned)
            .collect();
        extra.sort_unstable();
        Ok(Self { tensors, extra })
    }

    /// The shapes by name, in elements.
    pub(crate) fn shapes(&self) -> Vec<(&str, &[usize])> {
        let tensors = self.tensors.iter();
        tensors
            .map(|input| (input.name.as_str(), input.shape.as_slice()))
            .collect()
    }

    /// Copies every input to what was bound to [`shapes`](Self::shapes).
    pub(crate) fn write_to(&self, inputs: &mut DispatchInputs<'_>) -> Result<(), CallError> {
        for input in &self.tensors {
            inputs.bytes_mut(&input.name)?.copy_from_slice(input.bytes);
        }
        Ok(())
    }
}

/// The bytes of a safetensors file with all outputs of a kernel that has run.
pub(crate) fn outputs_file(kernel: &BoundDispatch) -> Result<Vec<u8>, Failure> {
    let mut tensors = Vec::with_capacity(kernel.outputs().len());
    for output in kernel.outputs() {
        let bytes = kernel.output_bytes(&output.name)?;
        let view = TensorView::new(stored_as(output.dtype), stored_shape(output), bytes)
            .expect("an output's length is what its type and shape ask for");
        tensors.push((output.name.as_str(), view));
    }
    safetensors::serialize(tensors, None)
        .map_err(|error: SafeTensorError| Failure::malformed_tensors("the outputs", &error))
}

fn find<'a>(
    declared: &TensorDecl,
    file: &SafeTensors<'a>,
    origin: &str,
) -> Result<Input<'a>, Failure> {
    let found = file.tensor(&declared.name).map_err(|_| {
        let mut names = file.names();
        names.sort_unstable();
        Failure::missing_tensor(&declared.name, origin, &names)
    })?;
    let expected = stored_as(declared.dtype);
    if found.dtype() != expected {
        let expected = match declared.dtype.block_bytes() {
            Some(_) => format!("U8 ({} blocks)", declared.dtype),
            None => format!("{expected:?}"),
        };
        let found = format!("{:?}", found.dtype());
        return Err(Failure::wrong_dtype(&declared.name, &expected, &found));
    }
    Ok(Input {
        name: declared.name.clone(),
        shape: shape_in_elements(declared, found.shape())?,
        bytes: found.data(),
    })
}

/// The type under which a file holds tensors of a data type.
const fn stored_as(dtype: DataType) -> Dtype {
    match dtype {
        DataType::F32 => Dtype::F32,
        DataType::F16 => Dtype::F16,
        DataType::Bf16 => Dtype::BF16,
        DataType::I8 => Dtype::I8,
        DataType::I32 => Dtype::I32,
        DataType::U8 | DataType::Q4 | DataType::Q8 => Dtype::U8,
    }
}

/// A stored shape with its last dimension in elements instead of bytes of blocks.
fn shape_in_elements(declared: &TensorDecl, stored: &[usize]) -> Result<Vec<usize>, Failure> {
    let dtype = declared.dtype;
    let Some(bytes) = dtype.block_bytes() else {
        return Ok(stored.to_vec());
    };
    let wrong = || Failure::wrong_blocks(&declared.name, dtype.name(), bytes, stored);
    let (&last, outer) = stored.split_last().ok_or_else(wrong)?;
    if !last.is_multiple_of(bytes) {
        return Err(wrong());
    }
    let elements = (last / bytes).checked_mul(BLOCK_ELEMENTS);
    let mut shape = outer.to_vec();
    shape.push(elements.ok_or_else(wrong)?);
    Ok(shape)
}

/// The shape under which a file holds an output.
fn stored_shape(output: &BoundTensor) -> Vec<usize> {
    let mut shape = output.shape.clone();
    if let (Some(bytes), Some(last)) = (output.dtype.block_bytes(), shape.last_mut()) {
        // No overflow: the whole tensor's length in bytes is known to exist.
        *last = *last / BLOCK_ELEMENTS * bytes;
    }
    shape
}
