use kpack_exec::{BoundKernel, CallError, Element, Tensor};
use kpack_schema::{BindError, Binding, BoundTensor};

use super::error::Tried;
use crate::native::NativeError;

/// The inputs of a call that is about to be made, to be written into the memory of what runs.
pub struct DispatchInputs<'a> {
    binding: &'a Binding,
    sources: &'a mut [Source],
    place: Place<'a>,
    tensors: &'a mut [Option<Tensor>],
}

/// Where inputs are written to.
pub(super) enum Place<'a> {
    Kernel(&'a mut BoundKernel),
    /// The tensors of the host.
    Host,
}

/// What the host knows and has of the inputs, in the order of the manifest.
#[derive(Debug)]
pub(super) struct HostInputs {
    sources: Vec<Source>,
    /// What is kept, and what native kernels are given.
    tensors: Vec<Option<Tensor>>,
}

/// Where an input comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// It is to be written for the present call.
    Missing,
    /// It was written for the present call.
    Written,
    /// It stays from call to call.
    Kept,
}

impl DispatchInputs<'_> {
    /// The elements of an input, to be written.
    ///
    /// # Errors
    ///
    /// When there is no such input, its elements are of another type, or it is kept.
    pub fn slice_mut<T: Element>(&mut self, name: &str) -> Result<&mut [T], CallError> {
        let index = self.written(name)?;
        match &mut self.place {
            Place::Kernel(kernel) => kernel.input_mut(name),
            Place::Host => {
                let tensor = place(self.tensors, index);
                let expected = tensor.dtype();
                tensor.as_mut_slice().map_err(|_| CallError::DataType {
                    tensor: name.to_owned(),
                    expected,
                    found: T::DTYPE,
                })
            }
        }
    }

    /// The little-endian bytes of an input, to be written.
    ///
    /// # Errors
    ///
    /// When there is no such input, or it is kept.
    pub fn bytes_mut(&mut self, name: &str) -> Result<&mut [u8], CallError> {
        let index = self.written(name)?;
        match &mut self.place {
            Place::Kernel(kernel) => kernel.input_bytes_mut(name),
            Place::Host => Ok(place(self.tensors, index).bytes_mut()),
        }
    }

    /// The inputs with their shapes, in the order of the manifest.
    #[must_use]
    pub fn inputs(&self) -> &[BoundTensor] {
        self.binding.inputs()
    }

    /// The place of an input, which from now on counts as written.
    fn written(&mut self, name: &str) -> Result<usize, CallError> {
        let index = index(self.binding, name)?;
        if self.sources[index] == Source::Kept {
            let name = name.to_owned();
            return Err(BindError::RepeatedInput { name }.into());
        }
        self.sources[index] = Source::Written;
        Ok(index)
    }
}

impl HostInputs {
    pub(super) fn new(count: usize) -> Self {
        let mut tensors = Vec::new();
        tensors.resize_with(count, || None);
        Self {
            sources: vec![Source::Missing; count],
            tensors,
        }
    }

    /// Keeps an input from now on.
    pub(super) fn keep(&mut self, index: usize, tensor: Tensor) {
        self.sources[index] = Source::Kept;
        self.tensors[index] = Some(tensor);
    }

    /// Writes what is kept into a kernel's memory.
    pub(super) fn write_kept(
        &self,
        binding: &Binding,
        kernel: &mut BoundKernel,
    ) -> Result<(), CallError> {
        let inputs = binding.inputs().iter().zip(&self.sources);
        for ((input, source), tensor) in inputs.zip(&self.tensors) {
            if let (Source::Kept, Some(tensor)) = (source, tensor) {
                let memory = kernel.input_bytes_mut(&input.name)?;
                memory.copy_from_slice(tensor.bytes());
            }
        }
        Ok(())
    }

    /// Has every input written that is not kept.
    #[inline]
    pub(super) fn fill(
        &mut self,
        binding: &Binding,
        place: Place<'_>,
        fill: &mut impl FnMut(&mut DispatchInputs<'_>) -> Result<(), CallError>,
    ) -> Tried<()> {
        for source in &mut self.sources {
            if *source == Source::Written {
                *source = Source::Missing;
            }
        }
        fill(&mut DispatchInputs {
            binding,
            sources: &mut self.sources,
            place,
            tensors: &mut self.tensors,
        })?;
        match self
            .sources
            .iter()
            .position(|&source| source == Source::Missing)
        {
            Some(missing) => Err(missing_input(&binding.inputs()[missing]).into()),
            None => Ok(()),
        }
    }

    /// Makes the places that inputs are written to for a native kernel.
    pub(super) fn make_places(&mut self, binding: &Binding) -> Result<(), NativeError> {
        for (tensor, input) in self.tensors.iter_mut().zip(binding.inputs()) {
            if tensor.is_none() {
                let place = Tensor::zeros(input.dtype, &input.shape);
                *tensor = Some(place.map_err(NativeError::failed)?);
            }
        }
        Ok(())
    }

    /// What native kernels are given: all of it, behind [`make_places`](Self::make_places).
    pub(super) fn tensors(&self) -> &[Option<Tensor>] {
        &self.tensors
    }
}

/// Where an input stands in the manifest.
pub(super) fn index(binding: &Binding, name: &str) -> Result<usize, CallError> {
    let inputs = binding.inputs();
    let found = inputs.iter().position(|input| input.name == name);
    found.ok_or_else(|| unknown_input(inputs, name))
}

fn place(tensors: &mut [Option<Tensor>], index: usize) -> &mut Tensor {
    let place = tensors[index].as_mut();
    place.expect("places are made before a native kernel's inputs are written")
}

#[cold]
fn unknown_input(inputs: &[BoundTensor], name: &str) -> CallError {
    let known = inputs.iter().map(|input| input.name.clone()).collect();
    let name = name.to_owned();
    BindError::UnknownInput { name, known }.into()
}

#[cold]
fn missing_input(input: &BoundTensor) -> CallError {
    let name = input.name.clone();
    BindError::MissingInput { name }.into()
}
