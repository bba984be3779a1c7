use kpack_schema::{Digest, ParamValue};

use crate::arguments::Arguments;
use crate::compiled::CompiledKernel;
use crate::error::CallError;
use crate::select::Selection;
use crate::tensor::{Tensor, TensorView};

/// A one-shot call, put together input by input; each is checked as it is given.
///
/// The call runs on an instance of its own, and its results are copies. For many calls,
/// [`CompiledKernel::caller`] keeps instances, and [`CompiledKernel::bind`] is fastest.
#[derive(Debug, Clone)]
pub struct Call<'a> {
    kernel: &'a CompiledKernel,
    arguments: Arguments<'a>,
}

impl<'a> Call<'a> {
    pub(crate) fn new(kernel: &'a CompiledKernel) -> Self {
        Self {
            kernel,
            arguments: Arguments::default(),
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
        let signature = self.kernel.signature();
        self.arguments.input(signature, name, tensor.into())?;
        Ok(self)
    }

    /// Gives a parameter, by its name in the manifest.
    ///
    /// # Errors
    ///
    /// When there is no such parameter, it was given before, or the value is not of its type or
    /// out of its bounds.
    pub fn param(mut self, name: &'a str, value: impl Into<ParamValue>) -> Result<Self, CallError> {
        let signature = self.kernel.signature();
        self.arguments.param(signature, name, value.into())?;
        Ok(self)
    }

    /// Runs the kernel on a fresh instance and copies its outputs.
    ///
    /// # Errors
    ///
    /// As [`CompiledKernel::bind_shapes`] and [`BoundKernel::run`](crate::BoundKernel::run).
    pub fn run(self) -> Result<Outputs, CallError> {
        let Arguments { inputs, params } = &self.arguments;
        let mut bound = self.kernel.bind_shapes(&self.arguments.shapes(), params)?;
        for (name, tensor) in inputs {
            bound.input_bytes_mut(name)?.copy_from_slice(tensor.bytes());
        }
        bound.run()?;
        let copy = |output: &kpack_schema::BoundTensor| {
            let bytes = bound.output_bytes(&output.name)?;
            let tensor = Tensor::from_bytes(output.dtype, &output.shape, bytes)
                .expect("a bound output's length is what its type and shape ask for");
            Ok((output.name.clone(), tensor))
        };
        let outputs = bound.outputs().iter();
        Ok(Outputs {
            ran: Ran::of(self.kernel),
            tensors: outputs.map(copy).collect::<Result<_, CallError>>()?,
        })
    }
}

/// What ran in a call: which engine, and which of the kernel's modules.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ran {
    /// The name of the engine.
    pub engine: String,
    /// Which of the kernel's modules the engine chose, and for which features.
    pub selection: Selection,
    /// That module's digest.
    pub module: Digest,
}

impl Ran {
    pub(crate) fn of(kernel: &CompiledKernel) -> Self {
        Self {
            engine: kernel.engine().to_owned(),
            selection: kernel.selection(),
            module: kernel.module_digest(),
        }
    }
}

/// The outputs of a one-shot call, by name, in the order of the manifest.
#[derive(Debug, Clone, PartialEq)]
pub struct Outputs {
    ran: Ran,
    tensors: Vec<(String, Tensor)>,
}

impl Outputs {
    /// What computed them.
    #[must_use]
    pub fn ran(&self) -> &Ran {
        &self.ran
    }

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
