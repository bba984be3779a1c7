use std::collections::BTreeMap;
use std::time::Instant;

use kpack_exec::{Blame, BoundKernel, CallError, Fault, TensorView};
use kpack_schema::{BoundTensor, ParamValue, Signature, TensorDecl, Tolerance};
use kpack_verify::VerifiedVector;

use super::VectorPassed;
use crate::compare::{Deviation, Mismatch, compare};
use crate::kernel::Kernel;
use crate::tensor_file::{FileTensor, TensorFile, TensorFileError};

/// How often a vector is tried whose call ran out of time, which a busy machine can be the reason of.
const TRIES: usize = 3;

/// Why a kernel did not pass a vector.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VectorError {
    /// The vector's file does not hold what the kernel declares.
    #[error("the vector does not fit the kernel")]
    File(#[from] TensorFileError),
    /// The file holds a tensor that the kernel neither takes nor gives.
    #[error("the vector holds a tensor that the kernel does not have: `{name}`")]
    Extra {
        /// The tensor's name.
        name: String,
    },
    /// An output has another shape in the file than the kernel gives for the inputs.
    #[error("shape of {tensor} must be {expected:?} in the vector: `{found:?}`")]
    OutputShape {
        /// The output's name.
        tensor: String,
        /// The shape that follows from the inputs.
        expected: Vec<usize>,
        /// The shape in the file.
        found: Vec<usize>,
    },
    /// The kernel was not bound to the vector's shapes and parameters, or gave no result.
    #[error("the kernel gave no result for the vector")]
    Call(#[from] CallError),
    /// The kernel gave another number.
    #[error("the kernel's result differs in: `{tensor}`")]
    Differs {
        /// The output.
        tensor: String,
        /// The element, what it is and what it must be.
        source: Mismatch,
    },
}

impl VectorError {
    /// Who has to act.
    #[must_use]
    pub const fn blame(&self) -> Blame {
        match self {
            Self::File(_) | Self::Extra { .. } | Self::OutputShape { .. } => Blame::Pack,
            Self::Call(error) => match error.blame() {
                // The caller of a vector is the pack.
                Blame::Caller => Blame::Pack,
                blame => blame,
            },
            Self::Differs { .. } => Blame::Kernel,
        }
    }

    /// A stable name for programs, in `snake_case`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::File(_) | Self::Extra { .. } | Self::OutputShape { .. } => "malformed_vector",
            Self::Call(error) => match error.blame() {
                Blame::Caller => "malformed_vector",
                _ => error.kind(),
            },
            Self::Differs { .. } => "wrong_numbers",
        }
    }
}

/// A kernel bound to a vector's shapes and parameters, with the inputs in its memory.
pub(crate) struct ReadyVector<'a> {
    bound: BoundKernel,
    inputs: Vec<FileTensor<'a>>,
    expected: Vec<FileTensor<'a>>,
    tolerance: &'a Tolerance,
}

impl<'a> ReadyVector<'a> {
    /// Binds a kernel, also of another pack than the vector's.
    pub(crate) fn new(kernel: &Kernel, vector: &'a VerifiedVector) -> Result<Self, VectorError> {
        let signature = kernel.signature();
        let file = TensorFile::read(vector.bytes())?;
        refuse_extra(&file, signature)?;
        let read = |tensors: &[TensorDecl]| -> Result<Vec<_>, TensorFileError> {
            tensors.iter().map(|tensor| file.tensor(tensor)).collect()
        };
        let (inputs, expected) = (read(signature.inputs())?, read(signature.outputs())?);
        let declared = vector.declared();
        let bound = bind(kernel, &inputs, &declared.params)?;
        for (output, expected) in bound.outputs().iter().zip(&expected) {
            expect_shape(output, expected)?;
        }
        let mut ready = Self {
            bound,
            inputs,
            expected,
            tolerance: &declared.tolerance,
        };
        ready.write_inputs()?;
        Ok(ready)
    }

    /// Runs the kernel on the inputs and holds its outputs against the expected ones.
    pub(crate) fn check(&mut self) -> Result<VectorPassed, VectorError> {
        let mut tries = 1;
        loop {
            let start = Instant::now();
            match self.run() {
                Err(CallError::Fault(Fault::Deadline { .. })) if tries < TRIES => tries += 1,
                ended => {
                    ended?;
                    let time = start.elapsed();
                    let deviation = self.judge()?;
                    return Ok(VectorPassed { deviation, time });
                }
            }
        }
    }

    /// Runs the kernel on what its memory holds. After one that ran out of time, it can be run again.
    pub(crate) fn run(&mut self) -> Result<(), CallError> {
        let ended = self.bound.run();
        if let Err(CallError::Fault(Fault::Deadline { .. })) = ended {
            // The next run is on an instance of its own, which nothing was written into.
            self.write_inputs()?;
        }
        ended
    }

    fn write_inputs(&mut self) -> Result<(), CallError> {
        let names: Vec<String> = names(self.bound.inputs());
        for (name, input) in names.iter().zip(&self.inputs) {
            self.bound
                .input_bytes_mut(name)?
                .copy_from_slice(input.bytes);
        }
        Ok(())
    }

    fn judge(&self) -> Result<Deviation, VectorError> {
        let mut worst = Deviation::default();
        for (output, expected) in self.bound.outputs().iter().zip(&self.expected) {
            let view = |bytes| {
                TensorView::new(output.dtype, &output.shape, bytes)
                    .expect("both lengths are what type and shape ask for")
            };
            let found = view(self.bound.output_bytes(&output.name)?);
            let deviation = compare(found, view(expected.bytes), self.tolerance);
            worst = worst.max(deviation.map_err(|source| VectorError::Differs {
                tensor: output.name.clone(),
                source,
            })?);
        }
        Ok(worst)
    }
}

fn bind(
    kernel: &Kernel,
    inputs: &[FileTensor<'_>],
    params: &BTreeMap<String, ParamValue>,
) -> Result<BoundKernel, CallError> {
    let signature = kernel.signature();
    let shapes = signature.inputs().iter().zip(inputs);
    let shapes: Vec<(&str, &[usize])> = shapes
        .map(|(declared, tensor)| (declared.name.as_str(), tensor.shape.as_slice()))
        .collect();
    let params: Vec<(&str, ParamValue)> = params
        .iter()
        .map(|(name, value)| (name.as_str(), *value))
        .collect();
    kernel.bind_shapes(&shapes, &params)
}

fn refuse_extra(file: &TensorFile<'_>, signature: &Signature) -> Result<(), VectorError> {
    let declared = || signature.inputs().iter().chain(signature.outputs());
    let is_extra = |name: &&str| !declared().any(|tensor| tensor.name == *name);
    match file.names().into_iter().find(is_extra) {
        Some(name) => Err(VectorError::Extra {
            name: name.to_owned(),
        }),
        None => Ok(()),
    }
}

fn expect_shape(output: &BoundTensor, expected: &FileTensor<'_>) -> Result<(), VectorError> {
    if output.shape == expected.shape {
        return Ok(());
    }
    Err(VectorError::OutputShape {
        tensor: output.name.clone(),
        expected: output.shape.clone(),
        found: expected.shape.clone(),
    })
}

fn names(tensors: &[BoundTensor]) -> Vec<String> {
    tensors.iter().map(|tensor| tensor.name.clone()).collect()
}
