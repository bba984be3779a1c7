use crate::{Bf16, F16};

/// What a tensor's bytes may be read as, one after another.
///
/// # Safety
///
/// Every sequence of `size_of::<Self>()` bytes is a value, the type has no padding, and its alignment
/// divides 64.
pub unsafe trait Element: Copy {}

// SAFETY: numbers of one, two or four bytes: any bits are a value, and the alignment is the size.
unsafe impl Element for f32 {}
// SAFETY: as above.
unsafe impl Element for i32 {}
// SAFETY: as above.
unsafe impl Element for i8 {}
// SAFETY: as above.
unsafe impl Element for u8 {}
// SAFETY: as above; transparent over `u16`.
unsafe impl Element for F16 {}
// SAFETY: as above; transparent over `u16`.
unsafe impl Element for Bf16 {}
// SAFETY: two bytes and 32 bytes in a row, aligned to two: 34 bytes without padding, of any bits.
unsafe impl Element for Q8Block {}
// SAFETY: two bytes and 16 bytes in a row, aligned to two: 18 bytes without padding, of any bits.
unsafe impl Element for Q4Block {}

/// 32 elements of the data type `q8`: ggml's `block_q8_0`.
///
/// Element `i` is `scale * quants[i]`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Q8Block {
    /// What every quant is multiplied with.
    pub scale: F16,
    /// The elements in units of the scale.
    pub quants: [i8; Q8Block::ELEMENTS],
}

impl Q8Block {
    /// Elements of one block.
    pub const ELEMENTS: usize = 32;
}

/// 32 elements of the data type `q4`: ggml's `block_q4_0`.
///
/// Elements `i` and `i + 16` are the low and the high half of `nibbles[i]`, less 8, times `scale`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Q4Block {
    /// What every element is multiplied with.
    pub scale: F16,
    /// Two elements a byte, each a number from 0 to 15.
    pub nibbles: [u8; Q4Block::ELEMENTS / 2],
}

impl Q4Block {
    /// Elements of one block.
    pub const ELEMENTS: usize = 32;
}

const _: () = assert!(size_of::<Q8Block>() == 34 && size_of::<Q4Block>() == 18);
