//! Tensors in safetensors files, by the names and types of a manifest.

use kpack::{
    BoundDispatch, CallError, DispatchInputs, FileTensor, Signature, TensorFile, TensorFileError,
    TensorView, write_tensor_file,
};

use crate::failure::Failure;

/// A kernel's inputs in a file.
#[derive(Debug)]
pub(crate) struct Inputs<'a> {
    tensors: Vec<(String, FileTensor<'a>)>,
    /// The names of tensors that the kernel does not take, sorted.
    pub(crate) extra: Vec<String>,
}

impl<'a> Inputs<'a> {
    /// Finds every input of a kernel in the bytes of a safetensors file. `origin` names the file.
    pub(crate) fn read(
        signature: &Signature,
        file: &'a [u8],
        origin: &str,
    ) -> Result<Self, Failure> {
        let failed = |error| failure(error, origin);
        let file = TensorFile::read(file).map_err(failed)?;
        let find = |declared: &kpack_schema::TensorDecl| {
            let tensor = file.tensor(declared).map_err(failed)?;
            Ok((declared.name.clone(), tensor))
        };
        let tensors: Result<Vec<_>, Failure> = signature.inputs().iter().map(find).collect();
        let tensors = tensors?;
        let is_extra = |name: &&str| !tensors.iter().any(|(input, _)| input == name);
        let extra = file.names().into_iter().filter(is_extra);
        let extra = extra.map(str::to_owned).collect();
        Ok(Self { tensors, extra })
    }

    /// The shapes by name, in elements.
    pub(crate) fn shapes(&self) -> Vec<(&str, &[usize])> {
        let tensors = self.tensors.iter();
        tensors
            .map(|(name, input)| (name.as_str(), input.shape.as_slice()))
            .collect()
    }

    /// Copies every input to what was bound to [`shapes`](Self::shapes).
    pub(crate) fn write_to(&self, inputs: &mut DispatchInputs<'_>) -> Result<(), CallError> {
        for (name, input) in &self.tensors {
            inputs.bytes_mut(name)?.copy_from_slice(input.bytes);
        }
        Ok(())
    }
}

/// The bytes of a safetensors file with all outputs of a kernel that has run.
pub(crate) fn outputs_file(kernel: &BoundDispatch) -> Result<Vec<u8>, Failure> {
    let mut tensors = Vec::with_capacity(kernel.outputs().len());
    for output in kernel.outputs() {
        let bytes = kernel.output_bytes(&output.name)?;
        let view = TensorView::new(output.dtype, &output.shape, bytes)
            .expect("an output's length is what its type and shape ask for");
        tensors.push((output.name.as_str(), view));
    }
    write_tensor_file(tensors).map_err(|error| failure(error, "the outputs"))
}

fn failure(error: TensorFileError, origin: &str) -> Failure {
    match error {
        TensorFileError::Malformed { source } => {
            Failure::malformed_tensors(origin, source.as_ref())
        }
        TensorFileError::Repeated { name } => Failure::repeated_tensor(origin, &name),
        TensorFileError::Missing { name, found } => {
            let found: Vec<&str> = found.iter().map(String::as_str).collect();
            Failure::missing_tensor(&name, origin, &found)
        }
        TensorFileError::DataType {
            tensor,
            expected,
            found,
        } => Failure::wrong_dtype(&tensor, &expected, &found),
        TensorFileError::Blocks {
            tensor,
            dtype,
            bytes,
            found,
        } => Failure::wrong_blocks(&tensor, dtype.name(), bytes, &found),
        error => Failure::malformed_tensors(origin, &error),
    }
}
