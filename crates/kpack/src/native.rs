use kpack_exec::{Blame, Element, Tensor, TensorView};
use kpack_schema::{Binding, ParamValue, Signature};

/// A kernel in the host's own code: what serves when no sandboxed one does.
///
/// A function or closure is one. It is registered in [`References`](crate::References) under the id by
/// which manifests name it as a fallback. Whoever writes one answers for it: it runs outside the
/// sandbox, without a deadline and with the host's rights. A panic is contained and counts as a
/// failure.
///
/// ```
/// use kpack::{NativeCall, NativeError, References};
///
/// fn double(call: &mut NativeCall<'_>) -> Result<(), NativeError> {
///     let x = call.input::<f32>("x")?;
///     for (y, x) in call.output_mut::<f32>("y")?.iter_mut().zip(x) {
///         *y = 2.0 * x;
///     }
///     Ok(())
/// }
///
/// let references = References::new().with("double_reference", double)?;
/// # assert_eq!(references.ids().count(), 1);
/// # Ok::<(), kpack::NameError>(())
/// ```
pub trait NativeKernel: Send + Sync {
    /// Computes every output of the call. The outputs are zero before; after an error they are not
    /// shown.
    ///
    /// # Errors
    ///
    /// [`NativeError::Refused`] when the caller asks for what the formula does not have,
    /// [`NativeError::Mismatch`] when it stands in for a kernel that it cannot stand in for, and
    /// [`NativeError::Failed`] for everything else.
    fn run(&self, call: &mut NativeCall<'_>) -> Result<(), NativeError>;
}

impl<F> NativeKernel for F
where
    F: Fn(&mut NativeCall<'_>) -> Result<(), NativeError> + Send + Sync,
{
    fn run(&self, call: &mut NativeCall<'_>) -> Result<(), NativeError> {
        self(call)
    }
}

/// Why a native kernel gave no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NativeError {
    /// The caller asked for what the formula does not have. The caller's fault.
    #[error("the native kernel refused the call: {reason}")]
    Refused {
        /// What it does not take.
        reason: String,
    },
    /// It was named as the fallback of a kernel that has other tensors or parameters than it. The fault
    /// of the pack.
    #[error("the native kernel cannot stand in for the kernel: {reason}")]
    Mismatch {
        /// What differs.
        reason: String,
    },
    /// It failed. The host's fault, whose code it is.
    #[error("the native kernel failed")]
    Failed {
        /// What it says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It panicked. The host's fault, whose code it is.
    #[error("the native kernel panicked: `{message}`")]
    Panicked {
        /// The panic's message.
        message: String,
    },
}

impl NativeError {
    /// The caller asked for what the formula does not have.
    pub fn refused(reason: impl Into<String>) -> Self {
        Self::Refused {
            reason: reason.into(),
        }
    }

    /// The kernel that it is to stand in for is another.
    pub fn mismatch(reason: impl Into<String>) -> Self {
        Self::Mismatch {
            reason: reason.into(),
        }
    }

    /// It failed.
    pub fn failed(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Failed {
            source: source.into(),
        }
    }

    /// Who has to act.
    #[must_use]
    pub const fn blame(&self) -> Blame {
        match self {
            Self::Refused { .. } => Blame::Caller,
            Self::Mismatch { .. } => Blame::Pack,
            Self::Failed { .. } | Self::Panicked { .. } => Blame::Host,
        }
    }

    /// A stable name for programs, in `snake_case`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "native_refused",
            Self::Mismatch { .. } => "native_mismatch",
            Self::Failed { .. } => "native_failed",
            Self::Panicked { .. } => "native_panicked",
        }
    }
}

/// One call of a [`NativeKernel`]: the tensors, sizes and parameters of the kernel that it stands in
/// for, by their names in the manifest.
#[derive(Debug)]
pub struct NativeCall<'a> {
    signature: &'a Signature,
    binding: &'a Binding,
    /// In the order of the manifest; all of them are there.
    inputs: &'a [Option<Tensor>],
    outputs: &'a mut [Tensor],
}

impl<'a> NativeCall<'a> {
    /// Outputs are zero, and of the binding's types and shapes.
    pub(crate) const fn new(
        signature: &'a Signature,
        binding: &'a Binding,
        inputs: &'a [Option<Tensor>],
        outputs: &'a mut [Tensor],
    ) -> Self {
        Self {
            signature,
            binding,
            inputs,
            outputs,
        }
    }

    /// The elements of an input, in row-major order.
    ///
    /// # Errors
    ///
    /// [`NativeError::Mismatch`] when there is no such input, or its elements are of another type.
    pub fn input<T: Element>(&self, name: &str) -> Result<&'a [T], NativeError> {
        self.tensor(name)?
            .as_slice()
            .map_err(|error| NativeError::mismatch(format!("input {name}: {error}")))
    }

    /// An input with its type and shape.
    ///
    /// # Errors
    ///
    /// [`NativeError::Mismatch`] when there is no such input.
    pub fn tensor(&self, name: &str) -> Result<TensorView<'a>, NativeError> {
        let inputs = self.binding.inputs();
        let found = inputs.iter().position(|input| input.name == name);
        let index = found.ok_or_else(|| {
            NativeError::mismatch(format!("it has no input of the name `{name}`"))
        })?;
        let tensor = self.inputs[index].as_ref();
        let tensor = tensor.expect("a native kernel is called when every input was given");
        Ok(tensor.view())
    }

    /// The elements of an output, in row-major order, to be written. They are zero at first.
    ///
    /// # Errors
    ///
    /// [`NativeError::Mismatch`] when there is no such output, or its elements are of another type.
    pub fn output_mut<T: Element>(&mut self, name: &str) -> Result<&mut [T], NativeError> {
        let outputs = self.binding.outputs();
        let found = outputs.iter().position(|output| output.name == name);
        let index = found.ok_or_else(|| {
            NativeError::mismatch(format!("it has no output of the name `{name}`"))
        })?;
        self.outputs[index]
            .as_mut_slice()
            .map_err(|error| NativeError::mismatch(format!("output {name}: {error}")))
    }

    /// All outputs, in the order of the manifest: for a kernel that writes several at once.
    pub fn outputs_mut(&mut self) -> &mut [Tensor] {
        self.outputs
    }

    /// The size of a dimension that the manifest names.
    #[must_use]
    pub fn dim(&self, symbol: &str) -> Option<u32> {
        self.binding.symbol(symbol)
    }

    /// The value of a parameter, of its declared type; its default where the caller gave none.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<ParamValue> {
        let mut params = self.signature.params().iter().zip(self.binding.params());
        params
            .find(|(param, _)| param.name == name)
            .map(|(_, &value)| value)
    }
}
