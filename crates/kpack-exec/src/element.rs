use half::{bf16, f16};
use kpack_schema::DataType;

use crate::tensor::Storage;

/// A Rust type that stands for the elements of a tensor.
///
/// `u8` stands for [`DataType::U8`] and for the bytes of the block types [`DataType::Q4`] and
/// [`DataType::Q8`]. The trait is sealed.
pub trait Element: sealed::Sealed {
    /// The data type that a tensor made from a slice of this type has.
    const DTYPE: DataType;

    /// Whether a tensor of the data type is read and written as a slice of this type.
    #[must_use]
    fn stands_for(dtype: DataType) -> bool {
        dtype == Self::DTYPE
    }
}

pub(crate) mod sealed {
    use super::Storage;

    pub trait Sealed: bytemuck::Pod + Send + Sync {
        fn into_storage(values: Vec<Self>) -> Storage;
        fn from_storage(storage: Storage) -> Option<Vec<Self>>;
    }
}

macro_rules! element {
    ($type:ty, $variant:ident) => {
        impl sealed::Sealed for $type {
            fn into_storage(values: Vec<Self>) -> Storage {
                Storage::$variant(values)
            }

            fn from_storage(storage: Storage) -> Option<Vec<Self>> {
                match storage {
                    Storage::$variant(values) => Some(values),
                    _ => None,
                }
            }
        }
    };
}

element!(f32, F32);
element!(f16, F16);
element!(bf16, Bf16);
element!(i32, I32);
element!(i8, I8);
element!(u8, U8);

impl Element for f32 {
    const DTYPE: DataType = DataType::F32;
}

impl Element for f16 {
    const DTYPE: DataType = DataType::F16;
}

impl Element for bf16 {
    const DTYPE: DataType = DataType::Bf16;
}

impl Element for i32 {
    const DTYPE: DataType = DataType::I32;
}

impl Element for i8 {
    const DTYPE: DataType = DataType::I8;
}

impl Element for u8 {
    const DTYPE: DataType = DataType::U8;

    fn stands_for(dtype: DataType) -> bool {
        matches!(dtype, DataType::U8 | DataType::Q4 | DataType::Q8)
    }
}
