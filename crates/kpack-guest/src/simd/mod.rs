//! The vector operations that the kernels share, by the names of the instructions.
//!
//! One source gives three modules. With SIMD, an operation is the instruction. Without it, it is the
//! same arithmetic lane by lane: the same bits, slower. With relaxed SIMD, [`multiply_add`] and
//! [`negative_multiply_add`] may round once instead of twice, as the machine does it faster: the last
//! bit may differ from machine to machine.

mod elements;
#[cfg(not(target_feature = "simd128"))]
mod scalar;

#[cfg(target_feature = "simd128")]
pub use core::arch::wasm32::{
    f32x4_abs, f32x4_add, f32x4_convert_i32x4, f32x4_demote_f64x2_zero, f32x4_div,
    f32x4_extract_lane, f32x4_lt, f32x4_mul, f32x4_ne, f32x4_neg, f32x4_pmax, f32x4_pmin,
    f32x4_splat, f32x4_sqrt, f32x4_sub, f64x2, f64x2_add, f64x2_extract_lane, f64x2_mul,
    f64x2_splat, f64x2_sqrt, f64x2_sub, i32x4_add, i32x4_bitmask, i32x4_extract_lane, i32x4_gt,
    i32x4_max, i32x4_shl, i32x4_shr, i32x4_shuffle, i32x4_splat, i32x4_sub, i32x4_trunc_sat_f32x4,
    i64x2_add, i64x2_neg, i64x2_shl, i64x2_splat, u32x4_max, u32x4_shr, v128, v128_and,
    v128_andnot, v128_bitselect, v128_load, v128_or, v128_store, v128_store32_lane,
    v128_store64_lane, v128_xor,
};
#[cfg(not(target_feature = "simd128"))]
pub use scalar::*;

pub use elements::*;

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

/// `a * b + c` in each lane; with two roundings, unless the build is for relaxed SIMD.
#[must_use]
#[inline(always)]
pub fn multiply_add(a: v128, b: v128, c: v128) -> v128 {
    #[cfg(target_feature = "relaxed-simd")]
    return core::arch::wasm32::f32x4_relaxed_madd(a, b, c);
    #[cfg(not(target_feature = "relaxed-simd"))]
    f32x4_add(f32x4_mul(a, b), c)
}

/// `c - a * b` in each lane; with two roundings, unless the build is for relaxed SIMD.
#[must_use]
#[inline(always)]
pub fn negative_multiply_add(a: v128, b: v128, c: v128) -> v128 {
    #[cfg(target_feature = "relaxed-simd")]
    return core::arch::wasm32::f32x4_relaxed_nmadd(a, b, c);
    #[cfg(not(target_feature = "relaxed-simd"))]
    f32x4_sub(c, f32x4_mul(a, b))
}

/// The sum of the four lanes: `(0 + 1) + (2 + 3)`.
#[must_use]
#[inline(always)]
pub fn horizontal_sum(value: v128) -> f32 {
    (f32x4_extract_lane::<0>(value) + f32x4_extract_lane::<1>(value))
        + (f32x4_extract_lane::<2>(value) + f32x4_extract_lane::<3>(value))
}
