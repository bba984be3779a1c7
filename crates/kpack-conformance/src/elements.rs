use half::{bf16, f16};
use kpack::{BoundTensor, CallError, CallInto, DataType, Tensor, TensorError};

/// A host's own elements for an output, of its type.
#[derive(Debug)]
pub(crate) enum Elements {
    F32(Vec<f32>),
    F16(Vec<f16>),
    Bf16(Vec<bf16>),
    I32(Vec<i32>),
    I8(Vec<i8>),
    /// Also the bytes of blocks.
    U8(Vec<u8>),
}

impl Elements {
    /// Room for an output, filled with what no kernel gives.
    pub(crate) fn of(output: &BoundTensor) -> Self {
        let count: usize = output.shape.iter().product();
        match output.dtype {
            DataType::F32 => Self::F32(vec![f32::NAN; count]),
            DataType::F16 => Self::F16(vec![f16::NAN; count]),
            DataType::Bf16 => Self::Bf16(vec![bf16::NAN; count]),
            DataType::I32 => Self::I32(vec![i32::MIN; count]),
            DataType::I8 => Self::I8(vec![i8::MIN; count]),
            DataType::U8 => Self::U8(vec![0xAA; count]),
            DataType::Q8 => Self::U8(vec![0xAA; count / 32 * 34]),
            DataType::Q4 => Self::U8(vec![0xAA; count / 32 * 18]),
        }
    }

    pub(crate) fn receive<'a>(
        &'a mut self,
        call: CallInto<'a>,
        name: &'a str,
    ) -> Result<CallInto<'a>, CallError> {
        match self {
            Self::F32(elements) => call.output(name, elements),
            Self::F16(elements) => call.output(name, elements),
            Self::Bf16(elements) => call.output(name, elements),
            Self::I32(elements) => call.output(name, elements),
            Self::I8(elements) => call.output(name, elements),
            Self::U8(elements) => call.output(name, elements),
        }
    }

    pub(crate) fn into_tensor(self, output: &BoundTensor) -> Result<Tensor, TensorError> {
        match self {
            Self::F32(elements) => Tensor::new(&output.shape, elements),
            Self::F16(elements) => Tensor::new(&output.shape, elements),
            Self::Bf16(elements) => Tensor::new(&output.shape, elements),
            Self::I32(elements) => Tensor::new(&output.shape, elements),
            Self::I8(elements) => Tensor::new(&output.shape, elements),
            Self::U8(bytes) => Tensor::from_bytes(output.dtype, &output.shape, &bytes),
        }
    }
}
