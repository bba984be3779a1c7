//! Tensors in safetensors files, by the names and types of a manifest.

mod names;

use std::error::Error;

use kpack_exec::TensorView;
use kpack_schema::{BLOCK_ELEMENTS, DataType, TensorDecl};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView as StoredTensor};

use self::names::repeated_name;

/// The tensors of a safetensors file: test vectors of packs, and what the command line reads.
///
/// The types are F32, F16, BF16, I8, U8 and I32. Tensors of `q8` and `q4` stand there as U8, with the
/// bytes of whole blocks along the last dimension.
#[derive(Debug)]
pub struct TensorFile<'a> {
    tensors: SafeTensors<'a>,
}

/// A tensor of a file, under the type that the manifest declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileTensor<'a> {
    /// The number of elements along each dimension; for blocks not that of bytes.
    pub shape: Vec<usize>,
    /// The little-endian bytes of the elements.
    pub bytes: &'a [u8],
}

/// Why a file of tensors cannot be read, or holds a tensor otherwise than declared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TensorFileError {
    /// It is no safetensors file.
    #[error("not a safetensors file")]
    Malformed {
        /// What is wrong with it.
        source: Box<dyn Error + Send + Sync>,
    },
    /// It names a tensor twice, and readers differ in which of the two they take.
    #[error("a tensor is named for the second time: `{name}`")]
    Repeated {
        /// The name.
        name: String,
    },
    /// It does not hold a tensor.
    #[error("a tensor is missing: `{name}`")]
    Missing {
        /// The tensor's name.
        name: String,
        /// The names that the file holds, sorted.
        found: Vec<String>,
    },
    /// It holds a tensor of another type.
    #[error("data type of {tensor} must be {expected}: `{found}`")]
    DataType {
        /// The tensor's name.
        tensor: String,
        /// The type under which the file must hold it.
        expected: String,
        /// The type under which it does.
        found: String,
    },
    /// It holds no whole number of blocks.
    #[error(
        "shape of {tensor} must end in a multiple of {bytes}, the bytes of a {dtype} block: \
         `{found:?}`"
    )]
    Blocks {
        /// The tensor's name.
        tensor: String,
        /// The declared type.
        dtype: DataType,
        /// The bytes of one block.
        bytes: usize,
        /// The shape in the file.
        found: Vec<usize>,
    },
}

impl<'a> TensorFile<'a> {
    /// Reads the bytes of a file.
    ///
    /// # Errors
    ///
    /// [`TensorFileError::Malformed`] and [`TensorFileError::Repeated`].
    pub fn read(file: &'a [u8]) -> Result<Self, TensorFileError> {
        if let Some(name) = repeated_name(file) {
            return Err(TensorFileError::Repeated { name });
        }
        let tensors =
            SafeTensors::deserialize(file).map_err(|error| TensorFileError::Malformed {
                source: Box::new(error),
            })?;
        Ok(Self { tensors })
    }

    /// The names of all tensors, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let mut names = self.tensors.names();
        names.sort_unstable();
        names
    }

    /// The tensor that a kernel declares. Its shape is not compared with the declared one.
    ///
    /// # Errors
    ///
    /// When it is missing, of another type, or no whole number of blocks.
    pub fn tensor(&self, declared: &TensorDecl) -> Result<FileTensor<'a>, TensorFileError> {
        let found = self.tensors.tensor(&declared.name);
        let found = found.map_err(|_| TensorFileError::Missing {
            name: declared.name.clone(),
            found: self.names().into_iter().map(str::to_owned).collect(),
        })?;
        let expected = stored_as(declared.dtype);
        if found.dtype() != expected {
            return Err(TensorFileError::DataType {
                tensor: declared.name.clone(),
                expected: match declared.dtype.block_bytes() {
                    Some(_) => format!("U8 ({} blocks)", declared.dtype),
                    None => format!("{expected:?}"),
                },
                found: format!("{:?}", found.dtype()),
            });
        }
        Ok(FileTensor {
            shape: shape_in_elements(declared, found.shape())?,
            bytes: found.data(),
        })
    }
}

impl TensorFileError {
    /// A stable name for programs, in `snake_case`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Malformed { .. } | Self::Repeated { .. } => "malformed_safetensors",
            Self::Missing { .. } => "missing_input",
            Self::DataType { .. } => "wrong_dtype",
            Self::Blocks { .. } => "wrong_shape",
        }
    }
}

/// The bytes of a safetensors file with these tensors, the same at every call.
///
/// # Errors
///
/// [`TensorFileError::Malformed`] when the header becomes larger than the format allows, and
/// [`TensorFileError::Repeated`] when two tensors have one name.
pub fn write_tensor_file<'a>(
    tensors: impl IntoIterator<Item = (&'a str, TensorView<'a>)>,
) -> Result<Vec<u8>, TensorFileError> {
    let mut stored: Vec<(&str, StoredTensor<'_>)> = Vec::new();
    for (name, tensor) in tensors {
        if stored.iter().any(|(known, _)| *known == name) {
            return Err(TensorFileError::Repeated {
                name: name.to_owned(),
            });
        }
        let view = StoredTensor::new(
            stored_as(tensor.dtype()),
            stored_shape(tensor),
            tensor.bytes(),
        )
        .expect("a tensor's length is what its type and shape ask for");
        stored.push((name, view));
    }
    safetensors::serialize(stored, None).map_err(|error| TensorFileError::Malformed {
        source: Box::new(error),
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
fn shape_in_elements(
    declared: &TensorDecl,
    stored: &[usize],
) -> Result<Vec<usize>, TensorFileError> {
    let dtype = declared.dtype;
    let Some(bytes) = dtype.block_bytes() else {
        return Ok(stored.to_vec());
    };
    let wrong = || TensorFileError::Blocks {
        tensor: declared.name.clone(),
        dtype,
        bytes,
        found: stored.to_vec(),
    };
    let (&last, outer) = stored.split_last().ok_or_else(wrong)?;
    if !last.is_multiple_of(bytes) {
        return Err(wrong());
    }
    let elements = (last / bytes).checked_mul(BLOCK_ELEMENTS);
    let mut shape = outer.to_vec();
    shape.push(elements.ok_or_else(wrong)?);
    Ok(shape)
}

/// The shape under which a file holds a tensor.
fn stored_shape(tensor: TensorView<'_>) -> Vec<usize> {
    let mut shape = tensor.shape().to_vec();
    if let (Some(bytes), Some(last)) = (tensor.dtype().block_bytes(), shape.last_mut()) {
        // No overflow: the whole tensor's length in bytes is known to exist.
        *last = *last / BLOCK_ELEMENTS * bytes;
    }
    shape
}
