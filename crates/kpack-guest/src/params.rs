use kpack_abi::Status;

/// A call's parameter block: symbols, then parameters, read by their byte offset.
///
/// The offsets are constants that follow from the names, in the order that the interface prescribes;
/// the [`kernel`](crate::kernel) attribute forms them.
#[derive(Debug, Clone, Copy)]
pub struct Params<'c, const SIZE: usize> {
    bytes: &'c [u8; SIZE],
}

impl<'c, const SIZE: usize> Params<'c, SIZE> {
    pub(crate) const fn new(bytes: &'c [u8; SIZE]) -> Self {
        Self { bytes }
    }

    /// The `bool` at `offset`.
    ///
    /// # Errors
    ///
    /// [`Status::InvalidParams`] if it is neither 0 nor 1.
    ///
    /// # Panics
    ///
    /// As [`u32`](Self::u32).
    #[inline(always)]
    pub fn bool(&self, offset: u32) -> Result<bool, Status> {
        match self.u32(offset) {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Status::InvalidParams),
        }
    }

    /// The `u32` at `offset`; every symbol is one.
    ///
    /// # Panics
    ///
    /// If the value does not lie in the block.
    #[must_use]
    #[inline(always)]
    pub fn u32(&self, offset: u32) -> u32 {
        u32::from_le_bytes(self.at(offset))
    }

    /// The `i32` at `offset`.
    ///
    /// # Panics
    ///
    /// As [`u32`](Self::u32).
    #[must_use]
    #[inline(always)]
    pub fn i32(&self, offset: u32) -> i32 {
        i32::from_le_bytes(self.at(offset))
    }

    /// The `f32` at `offset`.
    ///
    /// # Panics
    ///
    /// As [`u32`](Self::u32).
    #[must_use]
    #[inline(always)]
    pub fn f32(&self, offset: u32) -> f32 {
        f32::from_le_bytes(self.at(offset))
    }

    /// The `u64` at `offset`.
    ///
    /// # Panics
    ///
    /// As [`u32`](Self::u32).
    #[must_use]
    #[inline(always)]
    pub fn u64(&self, offset: u32) -> u64 {
        u64::from_le_bytes(self.at(offset))
    }

    /// The `i64` at `offset`.
    ///
    /// # Panics
    ///
    /// As [`u32`](Self::u32).
    #[must_use]
    #[inline(always)]
    pub fn i64(&self, offset: u32) -> i64 {
        i64::from_le_bytes(self.at(offset))
    }

    /// The `f64` at `offset`.
    ///
    /// # Panics
    ///
    /// As [`u32`](Self::u32).
    #[must_use]
    #[inline(always)]
    pub fn f64(&self, offset: u32) -> f64 {
        f64::from_le_bytes(self.at(offset))
    }

    #[inline(always)]
    fn at<const N: usize>(&self, offset: u32) -> [u8; N] {
        let mut value = [0; N];
        value.copy_from_slice(&self.bytes[offset as usize..][..N]);
        value
    }
}
