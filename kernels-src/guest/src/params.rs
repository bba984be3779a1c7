/// A call's parameter block: symbols, then parameters, read by their byte offset.
///
/// The offsets are constants that a kernel forms with [`ParamCursor`](crate::ParamCursor), in the
/// order that the interface prescribes.
#[derive(Clone, Copy)]
pub struct Params<const SIZE: usize> {
    bytes: [u8; SIZE],
}

impl<const SIZE: usize> Params<SIZE> {
    pub(crate) const fn new(bytes: [u8; SIZE]) -> Self {
        Self { bytes }
    }

    /// The `u32` at `offset`; every symbol is one.
    ///
    /// # Panics
    ///
    /// If the value does not lie in the block.
    #[must_use]
    #[inline(always)]
    pub fn u32(&self, offset: u32) -> u32 {
        let at = offset as usize;
        let mut value = [0; 4];
        value.copy_from_slice(&self.bytes[at..at + 4]);
        u32::from_le_bytes(value)
    }

    /// The `f32` at `offset`.
    ///
    /// # Panics
    ///
    /// If the value does not lie in the block.
    #[must_use]
    #[inline(always)]
    pub fn f32(&self, offset: u32) -> f32 {
        f32::from_bits(self.u32(offset))
    }
}
