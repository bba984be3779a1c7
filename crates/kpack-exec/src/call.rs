use kpack_schema::{BindError, ParamValue};

use crate::compiled::CompiledKernel;
use crate::error::CallError;
use crate::tensor::{Tensor, TensorView};

/// A one-shot call, put together input by input; each is checked as it is given.
///
/// The call runs on an instance of its own, and its results are copies. For many calls of the same
/// shapes, [`CompiledKernel::bind`] is faster.
#[derive(Debug, Clone)]
pub struct Call<'a> {
    kernel: &'a CompiledKernel,
    inputs: Vec<(&'a str, TensorView<'a>)>,
    params: Vec<(&'a str, ParamValue)>,
}

impl<'a> Call<'a> {
    pub(crate) fn new(kernel: &'a CompiledKernel) -> Self {
        Self {
            kernel,
            inputs: Vec::new(),
            params: Vec::new(),
        }
    }

    /// Gives an input, by its name in the manifest.
    ///
    /// # Errors
    ///
    /// When there is no such input, it was given before, or its elements are of another type.
    pub fn input(
        mut self,
        name: &'a str,
        tensor: impl Into<TensorView<'a>>,
    ) -> Result<Self, CallError> {
        let tensor = tensor.into();
        let declared = self.kernel.signature().inputs();
        let Some(input) = declared.iter().find(|input| input.name == name) else {
            let known = declared.iter().map(|input| input.name.clone()).collect();
            return Err(BindError::UnknownInput {
                name: name.into(),
                known,
            }
            .into());
        };
        if self.inputs.iter().any(|&(other, _)| other == name) {
            return Err(BindError::RepeatedInput { name: name.into() }.into());
        }
        if input.dtype != tensor.dtype() {
            return Err(CallError::DataType {
                tensor: name.into(),
                expected: input.dtype,
                found: tensor.dtype(),
            });
        }
        self.inputs.push((name, tensor));
        Ok(self)
    }

    /// Gives a parameter, by its name in the manifest.
    ///
    /// # Errors
    ///
    /// When there is no such parameter, it was given before, or the value is not of its type or
    /// out of its bounds.
    pub fn param(mut self, name: &'a str, value: impl Into<ParamValue>) -> Result<Self, CallError> {
        let value = value.into();
        let declared = self.kernel.signature().params();
        let Some(param) = declared.iter().find(|param| param.name == name) else {
            let known = declared.iter().map(|param| param.name.clone()).collect();
            return Err(BindError::UnknownParam {
                name: name.into(),
                known,
            }
            .into());
        };
        if self.params.iter().any(|&(other, _)| other == name) {
            return Err(BindError::RepeatedParam { name: name.into() }.into());
        }
        param.accept(value)?;
        self.params.push((name, value));
        Ok(self)
    }

    /// Runs the kernel on a fresh instance and copies its outputs.
    ///
    /// # Errors
    ///
    /// As [`CompiledKernel::bind_shapes`] and [`BoundKernel::run`](crate::BoundKernel::run).
    pub fn run(self) -> Result<Outputs, CallError> {
        let shapes: Vec<(&str, &[usize])> = self
            .inputs
            .iter()
            .map(|&(name, tensor)| (name, tensor.shape()))
            .collect();
        let mut bound = self.kernel.bind_shapes(&shapes, &self.params)?;
        for (name, tensor) in &self.inputs {
            bound.input_bytes_mut(name)?.copy_from_slice(tensor.bytes());
        }
        bound.run()?;
        let copy = |output: &kpack_schema::BoundTensor| {
            let bytes = bound.output_bytes(&output.name)?;
            let tensor = Tensor::from_bytes(output.dtype, &output.shape, bytes)
                .expect("a bound output's length is what its type and shape ask for");
            Ok((output.name.clone(), tensor))
        };
        Ok(Outputs {
            tensors: bound
                .outputs()
                .iter()
                .map(copy)
                .collect::<Result<_, CallError>>()?,
        })
    }
}

/// The outputs of a one-shot call, by name, in the order of the manifest.
#[derive(Debug, Clone, PartialEq)]
pub struct Outputs {
    tensors: Vec<(String, Tensor)>,
}

impl Outputs {
    /// The output of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.tensors
            .iter()
            .find(|(output, _)| output == name)
            .map(|(_, tensor)| tensor)
    }

    /// All outputs with their names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Tensor)> {
        self.tensors
            .iter()
            .map(|(name, tensor)| (name.as_str(), tensor))
    }
}

impl IntoIterator for Outputs {
    type Item = (String, Tensor);
    type IntoIter = std::vec::IntoIter<(String, Tensor)>;

    fn into_iter(self) -> Self::IntoIter {
        self.tensors.into_iter()
    }
}
