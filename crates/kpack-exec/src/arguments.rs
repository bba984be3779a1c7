use kpack_schema::{BindError, ParamValue, Signature};

use crate::error::CallError;
use crate::tensor::TensorView;

/// What a caller gives a kernel; each part is checked as it is given.
///
/// The calls of this crate gather theirs in one; it is public for callers that choose between
/// kernels of one signature only after the arguments are known.
#[derive(Debug, Clone, Default)]
pub struct Arguments<'a> {
    pub(crate) inputs: Vec<(&'a str, TensorView<'a>)>,
    pub(crate) params: Vec<(&'a str, ParamValue)>,
}

impl<'a> Arguments<'a> {
    /// Adds an input: one that the kernel has, of its type, once.
    ///
    /// # Errors
    ///
    /// When there is no such input, it was given before, or its elements are of another type.
    pub fn input(
        &mut self,
        signature: &Signature,
        name: &'a str,
        tensor: TensorView<'a>,
    ) -> Result<(), CallError> {
        let declared = signature.inputs();
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
        Ok(())
    }

    /// Adds a parameter: one that the kernel has, of its type and within its bounds, once.
    ///
    /// # Errors
    ///
    /// When there is no such parameter, it was given before, or the value is not of its type or
    /// out of its bounds.
    pub fn param(
        &mut self,
        signature: &Signature,
        name: &'a str,
        value: ParamValue,
    ) -> Result<(), CallError> {
        let declared = signature.params();
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
        Ok(())
    }

    /// The inputs that were given, by name.
    #[must_use]
    pub fn inputs(&self) -> &[(&'a str, TensorView<'a>)] {
        &self.inputs
    }

    /// The parameters that were given, by name.
    #[must_use]
    pub fn params(&self) -> &[(&'a str, ParamValue)] {
        &self.params
    }

    /// The shapes of the inputs, by name.
    #[must_use]
    pub fn shapes(&self) -> Vec<(&'a str, &'a [usize])> {
        let inputs = self.inputs.iter();
        inputs
            .map(|&(name, tensor)| (name, tensor.shape()))
            .collect()
    }
}
