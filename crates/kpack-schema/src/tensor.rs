use std::fmt;

use serde::{Deserialize, Serialize};

/// The element type of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum DataType {
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary16.
    F16,
    /// bfloat16: the upper half of a binary32.
    Bf16,
    /// Signed 8-bit integer.
    I8,
    /// Unsigned 8-bit integer.
    U8,
    /// Signed 32-bit integer.
    I32,
    /// ggml `Q4_0` blocks: 32 elements in 18 bytes.
    Q4,
    /// ggml `Q8_0` blocks: 32 elements in 34 bytes.
    Q8,
}

/// The number of elements in a block of [`DataType::Q4`] or [`DataType::Q8`].
pub const BLOCK_ELEMENTS: usize = 32;

impl DataType {
    /// Every element type.
    pub const ALL: [Self; 8] = [
        Self::F32,
        Self::F16,
        Self::Bf16,
        Self::I8,
        Self::U8,
        Self::I32,
        Self::Q4,
        Self::Q8,
    ];

    /// The size of one storage unit in bytes. For the block types that is a byte of a block, so a
    /// tensor's length comes from [`tensor_byte_len`] and never from a product with this.
    #[must_use]
    pub const fn size_bytes(&self) -> usize {
        match self {
            Self::F32 | Self::I32 => 4,
            Self::F16 | Self::Bf16 => 2,
            Self::I8 | Self::U8 | Self::Q4 | Self::Q8 => 1,
        }
    }

    /// The bytes of one block of [`BLOCK_ELEMENTS`], for the types that are stored in blocks.
    #[must_use]
    pub const fn block_bytes(&self) -> Option<usize> {
        match self {
            Self::Q4 => Some(18),
            Self::Q8 => Some(34),
            _ => None,
        }
    }

    /// The name in a manifest, such as `bf16`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::I8 => "i8",
            Self::U8 => "u8",
            Self::I32 => "i32",
            Self::Q4 => "q4",
            Self::Q8 => "q8",
        }
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One dimension of a tensor's shape as a manifest writes it: a number, or a text that holds a
/// symbol with at most one `*int` or `/int`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum ShapeDim {
    /// A symbol such as `rows`, or an expression such as `dim/2`.
    Symbolic(String),
    /// A fixed number of elements.
    Fixed(usize),
}

impl<'de> Deserialize<'de> for ShapeDim {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShapeDimVisitor)
    }
}

/// By hand, as an untagged derive forgets what was found.
struct ShapeDimVisitor;

impl serde::de::Visitor<'_> for ShapeDimVisitor {
    type Value = ShapeDim;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a symbol or a number of elements")
    }

    fn visit_str<E>(self, symbol: &str) -> Result<ShapeDim, E> {
        Ok(ShapeDim::Symbolic(symbol.to_owned()))
    }

    fn visit_u64<E: serde::de::Error>(self, size: u64) -> Result<ShapeDim, E> {
        usize::try_from(size)
            .map(ShapeDim::Fixed)
            .map_err(|_| E::invalid_value(serde::de::Unexpected::Unsigned(size), &self))
    }
}

/// A tensor that a kernel takes or gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TensorSpec {
    /// The name, unique among the kernel's inputs and outputs.
    pub name: String,
    /// The element type.
    pub dtype: DataType,
    /// The dimensions, outermost first; tensors are row-major and contiguous.
    pub shape: Vec<ShapeDim>,
}

/// Memory that a kernel needs beside its tensors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ScratchSpec {
    /// The element type.
    pub dtype: DataType,
    /// The dimensions, in symbols that the inputs, outputs or parameters bind.
    pub shape: Vec<ShapeDim>,
}

/// Why a shape has no byte length.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ByteLenError {
    /// A dimension of zero elements.
    #[error("a dimension must have at least one element: `{shape:?}`")]
    ZeroDimension {
        /// The whole shape.
        shape: Vec<usize>,
    },
    /// A last dimension that does not fill whole blocks.
    #[error("the last dimension of a {dtype} tensor must be a multiple of 32: `{shape:?}`")]
    PartialBlock {
        /// The block type.
        dtype: DataType,
        /// The whole shape.
        shape: Vec<usize>,
    },
    /// More than 2^64 - 1 bytes.
    #[error("the tensor's length in bytes exceeds 64 bits: `{shape:?}`")]
    Overflow {
        /// The whole shape.
        shape: Vec<usize>,
    },
}

/// The exact length in bytes of a contiguous tensor.
///
/// An empty shape is a scalar: one element. For [`DataType::Q8`] and [`DataType::Q4`] the last
/// dimension counts elements and is a multiple of 32, stored as ggml `Q8_0` (34 bytes) and `Q4_0`
/// (18 bytes) blocks.
///
/// # Errors
///
/// A dimension of zero, a last dimension that does not fill whole blocks, or a length beyond 64
/// bits.
pub fn tensor_byte_len(dtype: DataType, shape: &[usize]) -> Result<u64, ByteLenError> {
    if shape.contains(&0) {
        return Err(ByteLenError::ZeroDimension {
            shape: shape.to_vec(),
        });
    }
    let overflow = || ByteLenError::Overflow {
        shape: shape.to_vec(),
    };
    // In 64 bits from the start, also where addresses have 32.
    let bits_64 = |count: usize| u64::try_from(count).map_err(|_| overflow());
    let (outer, mut bytes) = match dtype.block_bytes() {
        None => (shape, bits_64(dtype.size_bytes())?),
        Some(block_bytes) => {
            let (&last, outer) = shape
                .split_last()
                .filter(|(last, _)| last.is_multiple_of(BLOCK_ELEMENTS))
                .ok_or_else(|| ByteLenError::PartialBlock {
                    dtype,
                    shape: shape.to_vec(),
                })?;
            let blocks = bits_64(last / BLOCK_ELEMENTS)?;
            let row = blocks.checked_mul(bits_64(block_bytes)?);
            (outer, row.ok_or_else(overflow)?)
        }
    };
    for &size in outer {
        bytes = bytes.checked_mul(bits_64(size)?).ok_or_else(overflow)?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storage_units_have_their_sizes() {
        let sizes = DataType::ALL.map(|dtype| dtype.size_bytes());
        assert_eq!(sizes, [4, 2, 2, 1, 1, 4, 1, 1]);
    }

    #[test]
    fn byte_lengths_are_exact() {
        let cases: [(DataType, &[usize], u64); 8] = [
            (DataType::F32, &[], 4),
            (DataType::F32, &[3, 5], 60),
            (DataType::Bf16, &[7], 14),
            (DataType::I32, &[1, 1, 1], 4),
            (DataType::Q8, &[32], 34),
            (DataType::Q8, &[3, 64], 204),
            (DataType::Q4, &[2, 2, 32], 72),
            (DataType::U8, &[1 << 31, 1 << 31], 1 << 62),
        ];
        for (dtype, shape, bytes) in cases {
            assert_eq!(
                tensor_byte_len(dtype, shape),
                Ok(bytes),
                "{dtype} {shape:?}"
            );
        }
    }

    #[test]
    fn lengths_that_do_not_exist_are_refused() {
        let big = 1_usize << 31;
        assert!(matches!(
            tensor_byte_len(DataType::F32, &[4, 0]),
            Err(ByteLenError::ZeroDimension { .. })
        ));
        assert!(matches!(
            tensor_byte_len(DataType::Q8, &[0]),
            Err(ByteLenError::ZeroDimension { .. })
        ));
        assert!(matches!(
            tensor_byte_len(DataType::Q8, &[33]),
            Err(ByteLenError::PartialBlock { .. })
        ));
        assert!(matches!(
            tensor_byte_len(DataType::Q4, &[32, 16]),
            Err(ByteLenError::PartialBlock { .. })
        ));
        assert!(matches!(
            tensor_byte_len(DataType::Q4, &[]),
            Err(ByteLenError::PartialBlock { .. })
        ));
        assert!(matches!(
            tensor_byte_len(DataType::U8, &[big, big, 4]),
            Err(ByteLenError::Overflow { .. })
        ));
        assert!(matches!(
            tensor_byte_len(DataType::F32, &[big, big]),
            Err(ByteLenError::Overflow { .. })
        ));
    }
}
