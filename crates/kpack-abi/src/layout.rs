/// Every region, and every tensor packed into a region, starts at a multiple of this many bytes.
pub const REGION_ALIGN: u32 = 64;

/// Size in bytes of a WebAssembly memory page.
pub const PAGE_SIZE: u32 = 65_536;

/// The smallest multiple of `align` that is not below `offset`; `None` on overflow.
///
/// # Panics
///
/// If `align` is zero.
#[must_use]
pub const fn align_up(offset: u64, align: u64) -> Option<u64> {
    offset.checked_next_multiple_of(align)
}

/// Walks the parameter block: symbols as `u32` first, then parameters sorted by name, each value at
/// the next multiple of its own size.
///
/// Host and kernel step through the same values in the same order and so agree on every offset.
///
/// ```
/// use kpack_abi::ParamCursor;
///
/// // rope_freqs_f32: symbols seq, half; parameters half: u32, theta: f32.
/// let cursor = ParamCursor::after_symbols(2);
/// let (half, cursor) = cursor.place(4);
/// let (theta, cursor) = cursor.place(4);
/// assert_eq!((half, theta, cursor.end()), (8, 12, 16));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParamCursor {
    end: u32,
}

impl ParamCursor {
    /// The position behind `symbols` values of four bytes each.
    ///
    /// # Panics
    ///
    /// If `symbols` is above 65,536, which no manifest within its size limit can reach.
    #[must_use]
    pub const fn after_symbols(symbols: u32) -> Self {
        assert!(
            symbols <= 65_536,
            "a manifest names at most a few hundred symbols"
        );
        Self { end: symbols * 4 }
    }

    /// The offset of the next value of `size` bytes (4 or 8), and the cursor behind it.
    ///
    /// # Panics
    ///
    /// If `size` is neither 4 nor 8, or the block would exceed 4 GiB.
    #[must_use]
    pub const fn place(self, size: u32) -> (u32, Self) {
        assert!(size == 4 || size == 8, "a parameter has 4 or 8 bytes");
        let at = self.end.next_multiple_of(size);
        (at, Self { end: at + size })
    }

    /// The end of the last value: the `params_size` of the block so far.
    #[must_use]
    pub const fn end(self) -> u32 {
        self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn align_up_reaches_the_next_multiple() {
        assert_eq!(align_up(0, 64), Some(0));
        assert_eq!(align_up(1, 64), Some(64));
        assert_eq!(align_up(64, 64), Some(64));
        assert_eq!(align_up(u64::MAX, 64), None);
    }

    #[test]
    fn eight_byte_values_are_aligned_to_eight() {
        let cursor = ParamCursor::after_symbols(1);
        let (wide, cursor) = cursor.place(8);
        let (narrow, cursor) = cursor.place(4);
        assert_eq!((wide, narrow, cursor.end()), (8, 16, 20));
    }

    #[test]
    fn an_empty_block_ends_at_zero() {
        assert_eq!(ParamCursor::after_symbols(0).end(), 0);
    }
}
