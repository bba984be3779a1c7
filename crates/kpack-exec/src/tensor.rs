use half::{bf16, f16};
use kpack_schema::{ByteLenError, DataType, tensor_byte_len};

use crate::element::Element;

/// An owned tensor: row-major, contiguous, its elements aligned for their type.
///
/// ```
/// use kpack_exec::Tensor;
///
/// let x = Tensor::new(&[2, 3], vec![1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0])?;
/// assert_eq!(x.shape(), [2, 3]);
/// assert_eq!(x.as_slice::<f32>()?[4], 5.0);
/// # Ok::<(), kpack_exec::TensorError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    dtype: DataType,
    shape: Vec<usize>,
    storage: Storage,
}

/// A tensor's elements, owned, in a vector of their own type.
#[derive(Debug, Clone, PartialEq)]
pub enum Storage {
    F32(Vec<f32>),
    F16(Vec<f16>),
    Bf16(Vec<bf16>),
    I32(Vec<i32>),
    I8(Vec<i8>),
    U8(Vec<u8>),
}

/// A borrowed tensor: data type, shape and the little-endian bytes of its elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TensorView<'a> {
    dtype: DataType,
    shape: &'a [usize],
    bytes: &'a [u8],
}

impl Tensor {
    /// A tensor that takes over a vector of elements.
    ///
    /// # Errors
    ///
    /// When the vector's length is not the product of the shape.
    pub fn new<T: Element>(shape: &[usize], values: Vec<T>) -> Result<Self, TensorError> {
        TensorView::of(shape, &values)?;
        Ok(Self {
            dtype: T::DTYPE,
            shape: shape.to_vec(),
            storage: T::into_storage(values),
        })
    }

    /// A copy of the little-endian bytes of a tensor; `q4` and `q8` as blocks.
    ///
    /// # Errors
    ///
    /// When the number of bytes is not what data type and shape ask for.
    pub fn from_bytes(dtype: DataType, shape: &[usize], bytes: &[u8]) -> Result<Self, TensorError> {
        TensorView::new(dtype, shape, bytes)?;
        let storage = match dtype {
            DataType::F32 => Storage::F32(bytemuck::pod_collect_to_vec(bytes)),
            DataType::F16 => Storage::F16(bytemuck::pod_collect_to_vec(bytes)),
            DataType::Bf16 => Storage::Bf16(bytemuck::pod_collect_to_vec(bytes)),
            DataType::I32 => Storage::I32(bytemuck::pod_collect_to_vec(bytes)),
            DataType::I8 => Storage::I8(bytemuck::pod_collect_to_vec(bytes)),
            DataType::U8 | DataType::Q4 | DataType::Q8 => Storage::U8(bytes.to_vec()),
        };
        Ok(Self {
            dtype,
            shape: shape.to_vec(),
            storage,
        })
    }

    /// A tensor of zeros.
    ///
    /// # Errors
    ///
    /// When the shape has no length, or one that this host cannot address.
    pub fn zeros(dtype: DataType, shape: &[usize]) -> Result<Self, TensorError> {
        let bytes = tensor_byte_len(dtype, shape)?;
        let bytes = usize::try_from(bytes).map_err(|_| TensorError::Length {
            expected: bytes,
            found: 0,
        })?;
        let storage = match dtype {
            DataType::F32 => Storage::F32(vec![0.0; bytes / 4]),
            DataType::F16 => Storage::F16(vec![f16::ZERO; bytes / 2]),
            DataType::Bf16 => Storage::Bf16(vec![bf16::ZERO; bytes / 2]),
            DataType::I32 => Storage::I32(vec![0; bytes / 4]),
            DataType::I8 => Storage::I8(vec![0; bytes]),
            DataType::U8 | DataType::Q4 | DataType::Q8 => Storage::U8(vec![0; bytes]),
        };
        Ok(Self {
            dtype,
            shape: shape.to_vec(),
            storage,
        })
    }

    /// The element type.
    #[must_use]
    pub const fn dtype(&self) -> DataType {
        self.dtype
    }

    /// The number of elements along each dimension, outermost first.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The little-endian bytes of the elements.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match &self.storage {
            Storage::F32(values) => bytemuck::cast_slice(values),
            Storage::F16(values) => bytemuck::cast_slice(values),
            Storage::Bf16(values) => bytemuck::cast_slice(values),
            Storage::I32(values) => bytemuck::cast_slice(values),
            Storage::I8(values) => bytemuck::cast_slice(values),
            Storage::U8(values) => values,
        }
    }

    /// The elements, in row-major order.
    ///
    /// # Errors
    ///
    /// When the tensor's elements are of another type.
    pub fn as_slice<T: Element>(&self) -> Result<&[T], TensorError> {
        self.expect::<T>()?;
        Ok(bytemuck::cast_slice(self.bytes()))
    }

    /// The little-endian bytes of the elements, to be written.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        match &mut self.storage {
            Storage::F32(values) => bytemuck::cast_slice_mut(values),
            Storage::F16(values) => bytemuck::cast_slice_mut(values),
            Storage::Bf16(values) => bytemuck::cast_slice_mut(values),
            Storage::I32(values) => bytemuck::cast_slice_mut(values),
            Storage::I8(values) => bytemuck::cast_slice_mut(values),
            Storage::U8(values) => values,
        }
    }

    /// The elements, in row-major order, to be written.
    ///
    /// # Errors
    ///
    /// When the tensor's elements are of another type.
    pub fn as_mut_slice<T: Element>(&mut self) -> Result<&mut [T], TensorError> {
        self.expect::<T>()?;
        Ok(bytemuck::cast_slice_mut(self.bytes_mut()))
    }

    /// The elements, in row-major order, without a copy.
    ///
    /// # Errors
    ///
    /// When the tensor's elements are of another type.
    pub fn into_vec<T: Element>(self) -> Result<Vec<T>, TensorError> {
        self.expect::<T>()?;
        Ok(T::from_storage(self.storage).expect("the storage is of the data type's own variant"))
    }

    /// The tensor, borrowed.
    #[must_use]
    pub fn view(&self) -> TensorView<'_> {
        TensorView {
            dtype: self.dtype,
            shape: &self.shape,
            bytes: self.bytes(),
        }
    }

    fn expect<T: Element>(&self) -> Result<(), TensorError> {
        if T::stands_for(self.dtype) {
            return Ok(());
        }
        Err(TensorError::DataType {
            expected: self.dtype,
            found: T::DTYPE,
        })
    }
}

impl<'a> TensorView<'a> {
    /// A view of little-endian bytes; `q4` and `q8` as blocks.
    ///
    /// # Errors
    ///
    /// When the number of bytes is not what data type and shape ask for.
    pub fn new(dtype: DataType, shape: &'a [usize], bytes: &'a [u8]) -> Result<Self, TensorError> {
        let expected = tensor_byte_len(dtype, shape)?;
        if u64::try_from(bytes.len()) != Ok(expected) {
            return Err(TensorError::Length {
                expected,
                found: bytes.len(),
            });
        }
        Ok(Self {
            dtype,
            shape,
            bytes,
        })
    }

    /// A view of a slice of elements.
    ///
    /// # Errors
    ///
    /// When the slice's length is not the product of the shape.
    pub fn of<T: Element>(shape: &'a [usize], values: &'a [T]) -> Result<Self, TensorError> {
        Self::new(T::DTYPE, shape, bytemuck::cast_slice(values))
    }

    /// The element type.
    #[must_use]
    pub const fn dtype(&self) -> DataType {
        self.dtype
    }

    /// The number of elements along each dimension, outermost first.
    #[must_use]
    pub const fn shape(&self) -> &'a [usize] {
        self.shape
    }

    /// The little-endian bytes of the elements.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The elements, in row-major order.
    ///
    /// # Errors
    ///
    /// When the tensor's elements are of another type, or the bytes do not start where one may.
    pub fn as_slice<T: Element>(&self) -> Result<&'a [T], TensorError> {
        if !T::stands_for(self.dtype) {
            return Err(TensorError::DataType {
                expected: self.dtype,
                found: T::DTYPE,
            });
        }
        bytemuck::try_cast_slice(self.bytes)
            .map_err(|_| TensorError::Misaligned { dtype: self.dtype })
    }

    /// A copy that owns its elements.
    #[must_use]
    pub fn to_tensor(&self) -> Tensor {
        Tensor::from_bytes(self.dtype, self.shape, self.bytes)
            .expect("a view's length is what its type and shape ask for")
    }
}

impl<'a> From<&'a Tensor> for TensorView<'a> {
    fn from(tensor: &'a Tensor) -> Self {
        tensor.view()
    }
}

/// Bytes, shape and data type that do not make a tensor. The caller's fault.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TensorError {
    /// The shape has no length, as a product too large or a row that is no whole number of blocks.
    #[error(transparent)]
    Shape(#[from] ByteLenError),
    /// The length is not what data type and shape ask for.
    #[error("data type and shape ask for {expected} bytes, but there are: `{found}`")]
    Length {
        /// Bytes that data type and shape ask for.
        expected: u64,
        /// Bytes that were given.
        found: usize,
    },
    /// The bytes do not start at a multiple of what the elements ask for.
    #[error("the bytes are not aligned for elements of: `{dtype}`")]
    Misaligned {
        /// The tensor's data type.
        dtype: DataType,
    },
    /// The elements are of another type.
    #[error("the elements are {expected}, not: `{found}`")]
    DataType {
        /// The tensor's data type.
        expected: DataType,
        /// The type that was asked for.
        found: DataType,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_elements_are_two_views_of_the_same() {
        let tensor = Tensor::new(&[2], vec![1_i32, -2]).unwrap();
        assert_eq!(tensor.bytes(), [1, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff]);
        let copy = Tensor::from_bytes(DataType::I32, &[2], tensor.bytes()).unwrap();
        assert_eq!(copy, tensor);
        assert_eq!(copy.into_vec::<i32>().unwrap(), [1, -2]);
    }

    #[test]
    fn unaligned_bytes_become_aligned_elements() {
        let bytes = [9, 0, 0, 0x80, 0x3f, 0, 0, 0, 0x40];
        let tensor = Tensor::from_bytes(DataType::F32, &[2], &bytes[1..]).unwrap();
        assert_eq!(tensor.as_slice::<f32>().unwrap(), [1.0, 2.0]);
    }

    #[test]
    fn a_view_gives_elements_where_its_bytes_are_aligned_for_them() {
        let values = [1.0_f32, 2.0];
        let view = TensorView::of(&[2], &values).unwrap();
        assert_eq!(view.as_slice::<f32>().unwrap(), values);
        let bytes: &[u8] = bytemuck::cast_slice(&values);
        let view = TensorView::new(DataType::F32, &[1], &bytes[1..5]).unwrap();
        let misaligned = TensorError::Misaligned {
            dtype: DataType::F32,
        };
        assert_eq!(view.as_slice::<f32>().unwrap_err(), misaligned);
    }

    #[test]
    fn zeros_are_as_long_as_data_type_and_shape_ask_for() {
        for dtype in [DataType::F32, DataType::Bf16, DataType::I8, DataType::Q8] {
            let mut zeros = Tensor::zeros(dtype, &[2, 32]).unwrap();
            let expected = tensor_byte_len(dtype, &[2, 32]).unwrap();
            assert_eq!(u64::try_from(zeros.bytes().len()), Ok(expected));
            assert!(zeros.bytes().iter().all(|&byte| byte == 0));
            zeros.bytes_mut().fill(1);
            assert!(zeros.bytes().iter().all(|&byte| byte == 1));
        }
        assert!(Tensor::zeros(DataType::Q4, &[33]).is_err());
    }

    #[test]
    fn nan_bits_survive() {
        let bits = [0x7fa0_1234_u32, 0xffc0_0001];
        let bytes: Vec<u8> = bits.iter().flat_map(|bits| bits.to_le_bytes()).collect();
        let tensor = Tensor::from_bytes(DataType::F32, &[2], &bytes).unwrap();
        assert_eq!(tensor.bytes(), bytes);
    }

    #[test]
    fn a_length_that_is_not_shape_times_type_is_refused() {
        assert_eq!(
            Tensor::new(&[2, 2], vec![0.0_f32; 3]).unwrap_err(),
            TensorError::Length {
                expected: 16,
                found: 12
            }
        );
        let error = Tensor::from_bytes(DataType::Q8, &[33], &[0; 34]).unwrap_err();
        assert!(matches!(error, TensorError::Shape(_)), "{error:?}");
        let huge = [1 << 31, 1 << 31, 1 << 31];
        assert!(Tensor::from_bytes(DataType::F32, &huge, &[]).is_err());
    }

    #[test]
    fn blocks_are_read_as_bytes() {
        let tensor = Tensor::from_bytes(DataType::Q4, &[64], &[7; 36]).unwrap();
        assert_eq!(tensor.as_slice::<u8>().unwrap(), [7; 36]);
        assert_eq!(
            tensor.as_slice::<i8>().unwrap_err(),
            TensorError::DataType {
                expected: DataType::Q4,
                found: DataType::I8
            }
        );
    }
}
