//! The vector operations that the kernels share: four `f32` lanes at a time.

use core::arch::wasm32::{f32x4_add, f32x4_extract_lane, f32x4_mul, v128, v128_load, v128_store};

/// Lanes of one vector.
pub const LANES: usize = 4;

/// The four elements from `at` on.
///
/// # Safety
///
/// `at` is valid for reading four elements; it need not be aligned to 16 bytes.
#[must_use]
#[inline(always)]
pub unsafe fn load(at: *const f32) -> v128 {
    // SAFETY: the caller vouches for 16 readable bytes; wasm loads take any alignment.
    unsafe { v128_load(at.cast()) }
}

/// Writes the four lanes of `value` to the elements from `at` on.
///
/// # Safety
///
/// `at` is valid for writing four elements; it need not be aligned to 16 bytes.
#[inline(always)]
pub unsafe fn store(at: *mut f32, value: v128) {
    // SAFETY: the caller vouches for 16 writable bytes; wasm stores take any alignment.
    unsafe { v128_store(at.cast(), value) };
}

/// `a * b + c` in each lane, with two roundings, so that every machine gives the same bits.
///
/// A build for relaxed SIMD would use the fused instruction here, and only here.
#[must_use]
#[inline(always)]
pub fn multiply_add(a: v128, b: v128, c: v128) -> v128 {
    f32x4_add(f32x4_mul(a, b), c)
}

/// The sum of the four lanes: `(0 + 1) + (2 + 3)`.
#[must_use]
#[inline(always)]
pub fn horizontal_sum(value: v128) -> f32 {
    (f32x4_extract_lane::<0>(value) + f32x4_extract_lane::<1>(value))
        + (f32x4_extract_lane::<2>(value) + f32x4_extract_lane::<3>(value))
}
