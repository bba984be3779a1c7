//! The vector operations lane by lane, for engines without SIMD: each gives the bits that the
//! instruction of its name gives.

use core::array::from_fn;

/// Four `f32`, two `f64`, four `i32` or two `i64`, in the order of memory.
#[expect(
    non_camel_case_types,
    reason = "it stands in for the type of that name"
)]
#[derive(Clone, Copy)]
pub struct v128([u32; 4]);

impl v128 {
    #[inline(always)]
    fn of_f32(lanes: [f32; 4]) -> Self {
        Self(lanes.map(f32::to_bits))
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the low half of a lane is meant"
    )]
    #[inline(always)]
    fn of_i64(lanes: [i64; 2]) -> Self {
        let [low, high] = lanes.map(i64::cast_unsigned);
        Self([
            low as u32,
            (low >> 32) as u32,
            high as u32,
            (high >> 32) as u32,
        ])
    }

    #[inline(always)]
    fn of_f64(lanes: [f64; 2]) -> Self {
        Self::of_i64(lanes.map(|lane| lane.to_bits().cast_signed()))
    }

    #[inline(always)]
    fn f32(self) -> [f32; 4] {
        self.0.map(f32::from_bits)
    }

    #[inline(always)]
    fn i64(self) -> [i64; 2] {
        let [a, b, c, d] = self.0.map(u64::from);
        [a | b << 32, c | d << 32].map(u64::cast_signed)
    }

    #[inline(always)]
    fn f64(self) -> [f64; 2] {
        self.i64().map(|lane| f64::from_bits(lane.cast_unsigned()))
    }
}

#[inline(always)]
fn zip<T: Copy, const N: usize>(a: [T; N], b: [T; N], each: impl Fn(T, T) -> T) -> [T; N] {
    from_fn(|i| each(a[i], b[i]))
}

/// Sixteen bytes at any alignment.
///
/// # Safety
///
/// `at` is valid for reading 16 bytes.
#[must_use]
#[inline(always)]
pub unsafe fn v128_load(at: *const v128) -> v128 {
    // SAFETY: passed on to the caller.
    unsafe { at.read_unaligned() }
}

/// Sixteen bytes at any alignment.
///
/// # Safety
///
/// `at` is valid for writing 16 bytes.
#[inline(always)]
pub unsafe fn v128_store(at: *mut v128, value: v128) {
    // SAFETY: passed on to the caller.
    unsafe { at.write_unaligned(value) };
}

/// One lane of 32 bits, at any alignment.
///
/// # Safety
///
/// `at` is valid for writing 4 bytes.
#[inline(always)]
pub unsafe fn v128_store32_lane<const LANE: usize>(value: v128, at: *mut u32) {
    // SAFETY: passed on to the caller.
    unsafe { at.write_unaligned(value.0[LANE]) };
}

/// One lane of 64 bits, at any alignment.
///
/// # Safety
///
/// `at` is valid for writing 8 bytes.
#[inline(always)]
pub unsafe fn v128_store64_lane<const LANE: usize>(value: v128, at: *mut u64) {
    // SAFETY: passed on to the caller.
    unsafe { at.write_unaligned(value.i64()[LANE].cast_unsigned()) };
}

/// `f32x4_splat`.
#[must_use]
#[inline(always)]
pub fn f32x4_splat(value: f32) -> v128 {
    v128::of_f32([value; 4])
}

/// `f32x4_extract_lane`.
#[must_use]
#[inline(always)]
pub fn f32x4_extract_lane<const LANE: usize>(value: v128) -> f32 {
    value.f32()[LANE]
}

/// `f32x4_add`.
#[must_use]
#[inline(always)]
pub fn f32x4_add(a: v128, b: v128) -> v128 {
    v128::of_f32(zip(a.f32(), b.f32(), |a, b| a + b))
}

/// `f32x4_sub`.
#[must_use]
#[inline(always)]
pub fn f32x4_sub(a: v128, b: v128) -> v128 {
    v128::of_f32(zip(a.f32(), b.f32(), |a, b| a - b))
}

/// `f32x4_mul`.
#[must_use]
#[inline(always)]
pub fn f32x4_mul(a: v128, b: v128) -> v128 {
    v128::of_f32(zip(a.f32(), b.f32(), |a, b| a * b))
}

/// `f32x4_div`.
#[must_use]
#[inline(always)]
pub fn f32x4_div(a: v128, b: v128) -> v128 {
    v128::of_f32(zip(a.f32(), b.f32(), |a, b| a / b))
}

/// `f32x4_pmin`.
#[must_use]
#[inline(always)]
pub fn f32x4_pmin(a: v128, b: v128) -> v128 {
    v128::of_f32(zip(a.f32(), b.f32(), |a, b| if b < a { b } else { a }))
}

/// `f32x4_pmax`.
#[must_use]
#[inline(always)]
pub fn f32x4_pmax(a: v128, b: v128) -> v128 {
    v128::of_f32(zip(a.f32(), b.f32(), |a, b| if a < b { b } else { a }))
}

/// `f32x4_neg`: the sign bit is turned, also of NaN.
#[must_use]
#[inline(always)]
pub fn f32x4_neg(value: v128) -> v128 {
    v128(value.0.map(|lane| lane ^ 0x8000_0000))
}

/// `f32x4_sqrt`.
#[must_use]
#[inline(always)]
pub fn f32x4_sqrt(value: v128) -> v128 {
    v128::of_f32(value.f32().map(libm::sqrtf))
}

/// `f32x4_demote_f64x2_zero`.
#[must_use]
#[inline(always)]
#[expect(
    clippy::cast_possible_truncation,
    reason = "rounding to the narrower type is meant"
)]
pub fn f32x4_demote_f64x2_zero(value: v128) -> v128 {
    let [a, b] = value.f64();
    v128::of_f32([a as f32, b as f32, 0.0, 0.0])
}

/// `i32x4_splat`.
#[must_use]
#[inline(always)]
pub fn i32x4_splat(value: i32) -> v128 {
    v128([value.cast_unsigned(); 4])
}

/// `i32x4_add`.
#[must_use]
#[inline(always)]
pub fn i32x4_add(a: v128, b: v128) -> v128 {
    v128(zip(a.0, b.0, u32::wrapping_add))
}

/// `i32x4_bitmask`: the sign bits of the lanes.
#[must_use]
#[inline(always)]
pub fn i32x4_bitmask(value: v128) -> u8 {
    let [a, b, c, d] = value.0.map(|lane| (lane >> 31) as u8);
    a | b << 1 | c << 2 | d << 3
}

/// `i32x4_shl`.
#[must_use]
#[inline(always)]
pub fn i32x4_shl(value: v128, by: u32) -> v128 {
    v128(value.0.map(|lane| lane.wrapping_shl(by)))
}

/// `i32x4_shuffle`: the lanes 0 to 3 are those of `a`, 4 to 7 those of `b`.
#[must_use]
#[inline(always)]
pub fn i32x4_shuffle<const I0: usize, const I1: usize, const I2: usize, const I3: usize>(
    a: v128,
    b: v128,
) -> v128 {
    v128([I0, I1, I2, I3].map(|lane| if lane < 4 { a.0[lane] } else { b.0[lane - 4] }))
}

/// `f64x2`.
#[must_use]
#[inline(always)]
pub fn f64x2(first: f64, second: f64) -> v128 {
    v128::of_f64([first, second])
}

/// `f64x2_splat`.
#[must_use]
#[inline(always)]
pub fn f64x2_splat(value: f64) -> v128 {
    v128::of_f64([value; 2])
}

/// `f64x2_extract_lane`.
#[must_use]
#[inline(always)]
pub fn f64x2_extract_lane<const LANE: usize>(value: v128) -> f64 {
    value.f64()[LANE]
}

/// `f64x2_sqrt`.
#[must_use]
#[inline(always)]
pub fn f64x2_sqrt(value: v128) -> v128 {
    v128::of_f64(value.f64().map(libm::sqrt))
}

/// `f64x2_add`.
#[must_use]
#[inline(always)]
pub fn f64x2_add(a: v128, b: v128) -> v128 {
    v128::of_f64(zip(a.f64(), b.f64(), |a, b| a + b))
}

/// `f64x2_sub`.
#[must_use]
#[inline(always)]
pub fn f64x2_sub(a: v128, b: v128) -> v128 {
    v128::of_f64(zip(a.f64(), b.f64(), |a, b| a - b))
}

/// `f64x2_mul`.
#[must_use]
#[inline(always)]
pub fn f64x2_mul(a: v128, b: v128) -> v128 {
    v128::of_f64(zip(a.f64(), b.f64(), |a, b| a * b))
}

/// `i64x2_splat`.
#[must_use]
#[inline(always)]
pub fn i64x2_splat(value: i64) -> v128 {
    v128::of_i64([value; 2])
}

/// `i64x2_neg`.
#[must_use]
#[inline(always)]
pub fn i64x2_neg(value: v128) -> v128 {
    v128::of_i64(value.i64().map(i64::wrapping_neg))
}

/// `i64x2_shl`.
#[must_use]
#[inline(always)]
pub fn i64x2_shl(value: v128, by: u32) -> v128 {
    v128::of_i64(value.i64().map(|lane| lane.wrapping_shl(by)))
}

/// `i64x2_add`.
#[must_use]
#[inline(always)]
pub fn i64x2_add(a: v128, b: v128) -> v128 {
    v128::of_i64(zip(a.i64(), b.i64(), |a, b| a.wrapping_add(b)))
}

/// `v128_and`.
#[must_use]
#[inline(always)]
pub fn v128_and(a: v128, b: v128) -> v128 {
    v128(zip(a.0, b.0, |a, b| a & b))
}

/// `v128_or`.
#[must_use]
#[inline(always)]
pub fn v128_or(a: v128, b: v128) -> v128 {
    v128(zip(a.0, b.0, |a, b| a | b))
}

/// `v128_xor`.
#[must_use]
#[inline(always)]
pub fn v128_xor(a: v128, b: v128) -> v128 {
    v128(zip(a.0, b.0, |a, b| a ^ b))
}

/// `v128_bitselect`: the bits of `a` where `mask` is set, else those of `b`.
#[must_use]
#[inline(always)]
pub fn v128_bitselect(a: v128, b: v128, mask: v128) -> v128 {
    v128(from_fn(|i| (a.0[i] & mask.0[i]) | (b.0[i] & !mask.0[i])))
}

/// `f32x4_abs`.
#[must_use]
#[inline(always)]
pub fn f32x4_abs(value: v128) -> v128 {
    v128(value.0.map(|lane| lane & 0x7fff_ffff))
}

/// `f32x4_convert_i32x4`: the nearest numbers to the integers.
#[must_use]
#[inline(always)]
#[expect(
    clippy::cast_precision_loss,
    reason = "rounding to the nearest is meant"
)]
pub fn f32x4_convert_i32x4(value: v128) -> v128 {
    v128::of_f32(value.0.map(|lane| lane.cast_signed() as f32))
}

/// `f32x4_lt`: all bits where `a` is less.
#[must_use]
#[inline(always)]
pub fn f32x4_lt(a: v128, b: v128) -> v128 {
    v128(from_fn(|i| mask(a.f32()[i] < b.f32()[i])))
}

/// `f32x4_ne`: all bits where the two differ, which NaN does from everything.
#[must_use]
#[inline(always)]
#[expect(clippy::float_cmp, reason = "the instruction compares exactly")]
pub fn f32x4_ne(a: v128, b: v128) -> v128 {
    v128(from_fn(|i| mask(a.f32()[i] != b.f32()[i])))
}

/// `i32x4_extract_lane`.
#[must_use]
#[inline(always)]
pub fn i32x4_extract_lane<const LANE: usize>(value: v128) -> i32 {
    value.0[LANE].cast_signed()
}

/// `i32x4_gt`: all bits where `a` is greater.
#[must_use]
#[inline(always)]
pub fn i32x4_gt(a: v128, b: v128) -> v128 {
    v128(zip(a.0, b.0, |a, b| {
        mask(a.cast_signed() > b.cast_signed())
    }))
}

/// `i32x4_max`.
#[must_use]
#[inline(always)]
pub fn i32x4_max(a: v128, b: v128) -> v128 {
    v128(zip(a.0, b.0, |a, b| {
        a.cast_signed().max(b.cast_signed()).cast_unsigned()
    }))
}

/// `i32x4_shr`: the sign moves in.
#[must_use]
#[inline(always)]
pub fn i32x4_shr(value: v128, by: u32) -> v128 {
    let shifted = |lane: u32| lane.cast_signed().wrapping_shr(by).cast_unsigned();
    v128(value.0.map(shifted))
}

/// `i32x4_sub`.
#[must_use]
#[inline(always)]
pub fn i32x4_sub(a: v128, b: v128) -> v128 {
    v128(zip(a.0, b.0, u32::wrapping_sub))
}

/// `i32x4_trunc_sat_f32x4`: towards zero; the nearest integer there is, and 0 for NaN.
#[must_use]
#[inline(always)]
#[expect(
    clippy::cast_possible_truncation,
    reason = "truncating and saturating are meant"
)]
pub fn i32x4_trunc_sat_f32x4(value: v128) -> v128 {
    v128(value.f32().map(|lane| (lane as i32).cast_unsigned()))
}

/// `u32x4_max`.
#[must_use]
#[inline(always)]
pub fn u32x4_max(a: v128, b: v128) -> v128 {
    v128(zip(a.0, b.0, u32::max))
}

/// `u32x4_shr`: zeros move in.
#[must_use]
#[inline(always)]
pub fn u32x4_shr(value: v128, by: u32) -> v128 {
    v128(value.0.map(|lane| lane.wrapping_shr(by)))
}

/// `v128_andnot`: the bits of `a` that `b` does not have.
#[must_use]
#[inline(always)]
pub fn v128_andnot(a: v128, b: v128) -> v128 {
    v128(zip(a.0, b.0, |a, b| a & !b))
}

#[inline(always)]
const fn mask(is_so: bool) -> u32 {
    if is_so { u32::MAX } else { 0 }
}
