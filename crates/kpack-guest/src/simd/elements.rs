//! Elements of fewer bits than an `f32`, read into vectors of it and written from them.
//!
//! Each function has two bodies that give the same bits: instructions on the narrow lanes, and element
//! by element for engines without SIMD.

use super::{i32x4_splat, v128};
use crate::{Bf16, F16};

/// Eight `f16` as two vectors, each exact.
///
/// # Safety
///
/// `at` is valid for reading eight elements.
#[must_use]
#[inline(always)]
pub unsafe fn load_f16x8(at: *const F16) -> [v128; 2] {
    // SAFETY: passed on to the caller.
    unsafe { imp::load_f16x8(at) }
}

/// Writes two vectors as eight `f16`, each rounded as [`F16::from_f32`] does. Of a NaN only that it is
/// one is kept.
///
/// # Safety
///
/// `at` is valid for writing eight elements.
#[inline(always)]
pub unsafe fn store_f16x8(at: *mut F16, values: [v128; 2]) {
    // SAFETY: passed on to the caller.
    unsafe { imp::store_f16x8(at, values) }
}

/// As [`load_f16x8`], with fewer instructions, for elements that are finite. If `doubt` finds that any was
/// not, what was read is wrong.
///
/// # Safety
///
/// `at` is valid for reading eight elements.
#[must_use]
#[inline(always)]
pub unsafe fn load_usual_f16x8(at: *const F16, doubt: &mut F16Doubt) -> [v128; 2] {
    // SAFETY: passed on to the caller.
    unsafe { imp::load_usual_f16x8(at, doubt) }
}

/// As [`store_f16x8`], with fewer instructions, for values that round to a finite `f16` and lie halfway
/// between no two. If `doubt` finds that any did not, what was written may be wrong.
///
/// # Safety
///
/// `at` is valid for writing eight elements.
#[inline(always)]
pub unsafe fn store_usual_f16x8(at: *mut F16, values: [v128; 2], doubt: &mut F16Doubt) {
    // SAFETY: passed on to the caller.
    unsafe { imp::store_usual_f16x8(at, values, doubt) }
}

/// Whether any `f16` may have been read or written wrongly the usual way.
#[derive(Clone, Copy)]
#[cfg_attr(
    not(target_feature = "simd128"),
    expect(dead_code, reason = "without vectors nothing is in doubt")
)]
pub struct F16Doubt {
    /// Magnitudes, in 16 bits each.
    largest: v128,
    /// What the bits that rounding cuts off were at least, in 32 bits each, half a last bit added.
    least_cut: v128,
}

impl F16Doubt {
    /// Before the first element.
    #[must_use]
    #[inline(always)]
    #[expect(clippy::new_without_default, reason = "a start, not a default")]
    pub fn new() -> Self {
        Self {
            largest: i32x4_splat(0),
            least_cut: i32x4_splat(-1),
        }
    }

    /// Whether there is any.
    #[must_use]
    #[inline(always)]
    pub fn is_any(&self) -> bool {
        imp::f16_in_doubt(self)
    }
}

/// Eight `bf16` as two vectors, each exact.
///
/// # Safety
///
/// `at` is valid for reading eight elements.
#[must_use]
#[inline(always)]
pub unsafe fn load_bf16x8(at: *const Bf16) -> [v128; 2] {
    // SAFETY: passed on to the caller.
    unsafe { imp::load_bf16x8(at) }
}

/// Writes two vectors as eight `bf16`, each rounded as [`Bf16::from_f32`] does.
///
/// # Safety
///
/// `at` is valid for writing eight elements.
#[inline(always)]
pub unsafe fn store_bf16x8(at: *mut Bf16, values: [v128; 2]) {
    // SAFETY: passed on to the caller.
    unsafe { imp::store_bf16x8(at, values) }
}

/// As [`store_bf16x8`], with fewer instructions, for values that are numbers and lie halfway between no two
/// `bf16`. If `doubt` finds that any did not, what was written may be wrong.
///
/// # Safety
///
/// `at` is valid for writing eight elements.
#[inline(always)]
pub unsafe fn store_usual_bf16x8(at: *mut Bf16, values: [v128; 2], doubt: &mut Bf16Doubt) {
    // SAFETY: passed on to the caller.
    unsafe { imp::store_usual_bf16x8(at, values, doubt) }
}

/// Whether any `bf16` may have been written wrongly the usual way.
#[derive(Clone, Copy)]
#[cfg_attr(
    not(target_feature = "simd128"),
    expect(dead_code, reason = "without vectors nothing is in doubt")
)]
pub struct Bf16Doubt {
    /// Of all values.
    sum: v128,
    /// What the bits that rounding cuts off were at least, half a last bit added: in the lower half of
    /// each 32 bits.
    least_cut: v128,
}

impl Bf16Doubt {
    /// Before the first element.
    #[must_use]
    #[inline(always)]
    #[expect(clippy::new_without_default, reason = "a start, not a default")]
    pub fn new() -> Self {
        Self {
            sum: i32x4_splat(0),
            least_cut: i32x4_splat(-1),
        }
    }

    /// Whether there is any.
    #[must_use]
    #[inline(always)]
    pub fn is_any(&self) -> bool {
        imp::bf16_in_doubt(self)
    }
}

/// Sixteen `i8` as four vectors.
///
/// # Safety
///
/// `at` is valid for reading 16 elements.
#[must_use]
#[inline(always)]
pub unsafe fn load_i8x16(at: *const i8) -> [v128; 4] {
    // SAFETY: passed on to the caller.
    unsafe { imp::load_i8x16(at) }
}

/// Sixteen `u8` as four vectors.
///
/// # Safety
///
/// `at` is valid for reading 16 elements.
#[must_use]
#[inline(always)]
pub unsafe fn load_u8x16(at: *const u8) -> [v128; 4] {
    // SAFETY: passed on to the caller.
    unsafe { imp::load_u8x16(at) }
}

/// The low halves of 16 bytes as four vectors, and then the high ones.
///
/// # Safety
///
/// `at` is valid for reading 16 bytes.
#[must_use]
#[inline(always)]
pub unsafe fn load_nibbles(at: *const u8) -> [[v128; 4]; 2] {
    // SAFETY: passed on to the caller.
    unsafe { imp::load_nibbles(at) }
}

/// Writes four vectors as 16 `i8`, truncated towards zero; the nearest `i8` beyond its range, and 0 for
/// NaN.
///
/// # Safety
///
/// `at` is valid for writing 16 elements.
#[inline(always)]
pub unsafe fn store_i8x16(at: *mut i8, values: [v128; 4]) {
    // SAFETY: passed on to the caller.
    unsafe { imp::store_i8x16(at, values) }
}

/// Writes 16 bytes with the first four vectors in their low halves and the others in their high ones,
/// truncated towards zero; the nearest of 0 to 15 beyond that range, and 0 for NaN.
///
/// # Safety
///
/// `at` is valid for writing 16 bytes.
#[inline(always)]
pub unsafe fn store_nibbles(at: *mut u8, values: [[v128; 4]; 2]) {
    // SAFETY: passed on to the caller.
    unsafe { imp::store_nibbles(at, values) }
}

#[cfg(target_feature = "simd128")]
mod imp {
    use core::arch::wasm32::{
        f32x4_add, f32x4_convert_i32x4, f32x4_mul, f32x4_ne, f32x4_pmin, f32x4_splat, f32x4_sub,
        i8x16_narrow_i16x8, i8x16_shl, i16x8_eq, i16x8_narrow_i32x4, i16x8_shl, i16x8_shr,
        i16x8_shuffle, i16x8_splat, i32x4_add, i32x4_eq, i32x4_extend_high_i16x8,
        i32x4_extend_low_i16x8, i32x4_max, i32x4_shl, i32x4_splat, i32x4_sub,
        i32x4_trunc_sat_f32x4, u8x16_min, u8x16_narrow_i16x8, u8x16_shr, u8x16_splat,
        u16x8_extend_high_u8x16, u16x8_extend_low_u8x16, u16x8_ge, u16x8_max, u16x8_min,
        u16x8_narrow_i32x4, u32x4_extend_high_u16x8, u32x4_extend_low_u16x8, u32x4_min, u32x4_shr,
        v128, v128_and, v128_any_true, v128_bitselect, v128_load, v128_or, v128_store, v128_xor,
    };

    use super::{Bf16Doubt, F16Doubt};
    use crate::{Bf16, F16};

    #[inline(always)]
    pub(super) unsafe fn load_f16x8(at: *const F16) -> [v128; 2] {
        // SAFETY: the caller vouches for 16 readable bytes.
        let halves = unsafe { v128_load(at.cast()) };
        let exponent = i16x8_splat(0x7c00);
        let special = i16x8_eq(v128_and(halves, exponent), exponent);
        [
            widened(
                i32x4_extend_low_i16x8(halves),
                i32x4_extend_low_i16x8(special),
            ),
            widened(
                i32x4_extend_high_i16x8(halves),
                i32x4_extend_high_i16x8(special),
            ),
        ]
    }

    #[inline(always)]
    pub(super) unsafe fn load_usual_f16x8(at: *const F16, doubt: &mut F16Doubt) -> [v128; 2] {
        // SAFETY: the caller vouches for 16 readable bytes.
        let halves = unsafe { v128_load(at.cast()) };
        let magnitudes = v128_and(halves, i16x8_splat(i16::MAX));
        doubt.largest = u16x8_max(doubt.largest, magnitudes);
        // The two halves of each number of 32 bits: the mantissa's last three bits, and all the others.
        let low = i16x8_shl(halves, 13);
        let sign_and_magnitude = i16x8_splat(0x8fff_u16.cast_signed());
        let high = v128_and(i16x8_shr(halves, 3), sign_and_magnitude);
        let rebias = f32x4_splat(REBIAS);
        [
            f32x4_mul(i16x8_shuffle::<0, 8, 1, 9, 2, 10, 3, 11>(low, high), rebias),
            f32x4_mul(
                i16x8_shuffle::<4, 12, 5, 13, 6, 14, 7, 15>(low, high),
                rebias,
            ),
        ]
    }

    /// 2^112: the difference of the exponents' biases. Exact, for subnormals too.
    const REBIAS: f32 = f32::from_bits((112 + 127) << 23);

    /// Four `f16`, extended by their signs; all bits of `special` where one is infinite or NaN.
    #[inline(always)]
    fn widened(halves: v128, special: v128) -> v128 {
        const SIGN_AND_MAGNITUDE: i32 = 0x8fff_e000_u32.cast_signed();
        let placed = v128_and(i32x4_shl(halves, 13), i32x4_splat(SIGN_AND_MAGNITUDE));
        let infinite = v128_and(special, i32x4_splat(0x7f80_0000));
        v128_or(f32x4_mul(placed, f32x4_splat(REBIAS)), infinite)
    }

    #[inline(always)]
    pub(super) unsafe fn store_f16x8(at: *mut F16, [low, high]: [v128; 2]) {
        let magnitudes = u16x8_narrow_i32x4(magnitude(low), magnitude(high));
        // Saturated, a number keeps its sign.
        let signs = v128_and(i16x8_narrow_i32x4(low, high), i16x8_splat(i16::MIN));
        let nan = i16x8_narrow_i32x4(f32x4_ne(low, low), f32x4_ne(high, high));
        let halves = v128_or(magnitudes, v128_and(nan, i16x8_splat(0x7e00)));
        // SAFETY: the caller vouches for 16 writable bytes.
        unsafe { v128_store(at.cast(), v128_or(halves, signs)) };
    }

    /// The bits of the nearest `f16` without its sign, in 32 bits; anything up to infinity's for NaN.
    ///
    /// With 2^e the power of two in |x|, but at least the least normal `f16`, the sum `|x| + 2^(e + 13)`
    /// has the last bit of the `f16` for its own: adding rounds, to nearest even. What it added to the
    /// bits of 2^(e + 13) is the mantissa, with the leading one where there is one.
    #[inline(always)]
    fn magnitude(x: v128) -> v128 {
        // From here on, all is infinity.
        let limit = f32x4_splat(65536.0);
        let x = f32x4_pmin(v128_and(x, i32x4_splat(i32::MAX)), limit);
        let power = i32x4_max(
            v128_and(x, i32x4_splat(0x7f80_0000)),
            i32x4_splat(LEAST_NORMAL),
        );
        let coarse = i32x4_add(power, i32x4_splat(13 << 23));
        let mantissa = i32x4_sub(f32x4_add(x, coarse), coarse);
        let exponent = u32x4_shr(i32x4_sub(power, i32x4_splat(LEAST_NORMAL)), 13);
        v128_and(i32x4_add(mantissa, exponent), i32x4_splat(0x7fff))
    }

    #[inline(always)]
    pub(super) unsafe fn store_usual_f16x8(
        at: *mut F16,
        [low, high]: [v128; 2],
        doubt: &mut F16Doubt,
    ) {
        let magnitudes =
            u16x8_narrow_i32x4(usual_magnitude(low, doubt), usual_magnitude(high, doubt));
        doubt.largest = u16x8_max(doubt.largest, magnitudes);
        // Saturated, a number keeps its sign.
        let signs = v128_and(i16x8_narrow_i32x4(low, high), i16x8_splat(i16::MIN));
        // SAFETY: the caller vouches for 16 writable bytes.
        unsafe { v128_store(at.cast(), v128_or(magnitudes, signs)) };
    }

    /// As [`magnitude`], but more than infinity's where that is not finite, and of two as near ones the
    /// upper.
    ///
    /// With the exponent biased as an `f16`'s, also the mantissas of subnormals stand at their places: the
    /// nearest number is what remains of the bits once half of the last one that stays is added. The
    /// product rounds only what is below 2^-14, to 13 bits more than stay; what then is not halfway
    /// between two numbers was not before, and was on the same side.
    #[inline(always)]
    fn usual_magnitude(x: v128, doubt: &mut F16Doubt) -> v128 {
        let x = v128_and(x, i32x4_splat(i32::MAX));
        let rounded = i32x4_add(f32x4_mul(x, f32x4_splat(UNBIAS)), i32x4_splat(1 << 12));
        let cut = v128_and(rounded, i32x4_splat((1 << 13) - 1));
        doubt.least_cut = u32x4_min(doubt.least_cut, cut);
        u32x4_shr(rounded, 13)
    }

    /// 2^-112.
    const UNBIAS: f32 = f32::from_bits((127 - 112) << 23);

    /// The least normal `f16`, as `f32`.
    const LEAST_NORMAL: i32 = 113 << 23;

    /// Where nothing is left of what was cut off and half a last bit, that was the other half.
    #[inline(always)]
    pub(super) fn f16_in_doubt(doubt: &F16Doubt) -> bool {
        let infinite = u16x8_ge(doubt.largest, i16x8_splat(0x7c00));
        let halfway = i32x4_eq(doubt.least_cut, i32x4_splat(0));
        v128_any_true(v128_or(infinite, halfway))
    }

    #[inline(always)]
    pub(super) unsafe fn load_bf16x8(at: *const Bf16) -> [v128; 2] {
        // SAFETY: the caller vouches for 16 readable bytes.
        let halves = unsafe { v128_load(at.cast()) };
        let zero = i16x8_splat(0);
        [
            i16x8_shuffle::<0, 8, 1, 9, 2, 10, 3, 11>(zero, halves),
            i16x8_shuffle::<4, 12, 5, 13, 6, 14, 7, 15>(zero, halves),
        ]
    }

    #[inline(always)]
    pub(super) unsafe fn store_bf16x8(at: *mut Bf16, [low, high]: [v128; 2]) {
        let halves = u16x8_narrow_i32x4(upper_half(low), upper_half(high));
        // SAFETY: the caller vouches for 16 writable bytes.
        unsafe { v128_store(at.cast(), halves) };
    }

    #[inline(always)]
    pub(super) unsafe fn store_usual_bf16x8(
        at: *mut Bf16,
        [low, high]: [v128; 2],
        doubt: &mut Bf16Doubt,
    ) {
        // NaN stays NaN in a sum; where infinities become one, the values are written twice.
        doubt.sum = f32x4_add(doubt.sum, f32x4_add(low, high));
        let halves =
            u16x8_narrow_i32x4(usual_upper_half(low, doubt), usual_upper_half(high, doubt));
        // SAFETY: the caller vouches for 16 writable bytes.
        unsafe { v128_store(at.cast(), halves) };
    }

    /// As [`upper_half`], but of two as near ones the one that is farther from zero.
    #[inline(always)]
    fn usual_upper_half(x: v128, doubt: &mut Bf16Doubt) -> v128 {
        let rounded = i32x4_add(x, i32x4_splat(1 << 15));
        doubt.least_cut = u16x8_min(doubt.least_cut, rounded);
        u32x4_shr(rounded, 16)
    }

    /// Where nothing is left of what was cut off and half a last bit, that was the other half.
    #[inline(always)]
    pub(super) fn bf16_in_doubt(doubt: &Bf16Doubt) -> bool {
        let halfway = v128_and(
            i16x8_eq(doubt.least_cut, i16x8_splat(0)),
            i32x4_splat(0xffff),
        );
        v128_any_true(v128_or(f32x4_ne(doubt.sum, doubt.sum), halfway))
    }

    #[inline(always)]
    fn upper_half(x: v128) -> v128 {
        let odd = v128_and(u32x4_shr(x, 16), i32x4_splat(1));
        let rounded = i32x4_add(x, i32x4_add(odd, i32x4_splat(0x7fff)));
        let quiet = v128_or(x, i32x4_splat(0x0040_0000));
        u32x4_shr(v128_bitselect(quiet, rounded, f32x4_ne(x, x)), 16)
    }

    #[inline(always)]
    pub(super) unsafe fn load_i8x16(at: *const i8) -> [v128; 4] {
        // SAFETY: the caller vouches for 16 readable bytes.
        let bytes = unsafe { v128_load(at.cast()) };
        // 128 above each, without a sign.
        let above = v128_xor(bytes, u8x16_splat(0x80));
        let low = u16x8_extend_low_u8x16(above);
        let high = u16x8_extend_high_u8x16(above);
        // Below the upper half of 2^23, whose last bit is worth one. Takes fewer instructions than to extend
        // to 32 bits and convert.
        let upper = i16x8_splat(0x4b00);
        let placed = [
            i16x8_shuffle::<0, 8, 1, 9, 2, 10, 3, 11>(low, upper),
            i16x8_shuffle::<4, 12, 5, 13, 6, 14, 7, 15>(low, upper),
            i16x8_shuffle::<0, 8, 1, 9, 2, 10, 3, 11>(high, upper),
            i16x8_shuffle::<4, 12, 5, 13, 6, 14, 7, 15>(high, upper),
        ];
        placed.map(|placed| f32x4_sub(placed, f32x4_splat(8_388_608.0 + 128.0)))
    }

    #[inline(always)]
    pub(super) unsafe fn load_u8x16(at: *const u8) -> [v128; 4] {
        // SAFETY: the caller vouches for 16 readable bytes.
        floats(unsafe { v128_load(at.cast()) })
    }

    #[inline(always)]
    pub(super) unsafe fn load_nibbles(at: *const u8) -> [[v128; 4]; 2] {
        // SAFETY: the caller vouches for 16 readable bytes.
        let bytes = unsafe { v128_load(at.cast()) };
        [
            floats(v128_and(bytes, u8x16_splat(15))),
            floats(u8x16_shr(bytes, 4)),
        ]
    }

    #[inline(always)]
    fn floats(bytes: v128) -> [v128; 4] {
        let (low, high) = (
            u16x8_extend_low_u8x16(bytes),
            u16x8_extend_high_u8x16(bytes),
        );
        [
            f32x4_convert_i32x4(u32x4_extend_low_u16x8(low)),
            f32x4_convert_i32x4(u32x4_extend_high_u16x8(low)),
            f32x4_convert_i32x4(u32x4_extend_low_u16x8(high)),
            f32x4_convert_i32x4(u32x4_extend_high_u16x8(high)),
        ]
    }

    #[inline(always)]
    pub(super) unsafe fn store_i8x16(at: *mut i8, values: [v128; 4]) {
        // SAFETY: the caller vouches for 16 writable bytes.
        unsafe { v128_store(at.cast(), integers(values)) };
    }

    /// Sixteen `i8`, saturated.
    #[inline(always)]
    fn integers(values: [v128; 4]) -> v128 {
        let [a, b, c, d] = values.map(|value| i32x4_trunc_sat_f32x4(value));
        i8x16_narrow_i16x8(i16x8_narrow_i32x4(a, b), i16x8_narrow_i32x4(c, d))
    }

    #[inline(always)]
    pub(super) unsafe fn store_nibbles(at: *mut u8, [low, high]: [[v128; 4]; 2]) {
        let bytes = v128_or(nibbles(low), i8x16_shl(nibbles(high), 4));
        // SAFETY: the caller vouches for 16 writable bytes.
        unsafe { v128_store(at.cast(), bytes) };
    }

    #[inline(always)]
    fn nibbles(values: [v128; 4]) -> v128 {
        let [a, b, c, d] = values.map(|value| i32x4_trunc_sat_f32x4(value));
        let bytes = u8x16_narrow_i16x8(i16x8_narrow_i32x4(a, b), i16x8_narrow_i32x4(c, d));
        u8x16_min(bytes, u8x16_splat(15))
    }
}

#[cfg(not(target_feature = "simd128"))]
mod imp {
    use core::array::from_fn;

    use super::super::{v128, v128_load, v128_store};
    use super::{Bf16Doubt, F16Doubt};
    use crate::{Bf16, F16};

    #[inline(always)]
    pub(super) unsafe fn load_f16x8(at: *const F16) -> [v128; 2] {
        // SAFETY: passed on to the caller.
        unsafe { load(at, F16::to_f32) }
    }

    #[inline(always)]
    pub(super) unsafe fn store_f16x8(at: *mut F16, values: [v128; 2]) {
        // SAFETY: passed on to the caller.
        unsafe { store(at, values, F16::from_f32) }
    }

    #[inline(always)]
    pub(super) unsafe fn load_usual_f16x8(at: *const F16, _: &mut F16Doubt) -> [v128; 2] {
        // SAFETY: passed on to the caller.
        unsafe { load_f16x8(at) }
    }

    #[inline(always)]
    pub(super) unsafe fn store_usual_f16x8(at: *mut F16, values: [v128; 2], _: &mut F16Doubt) {
        // SAFETY: passed on to the caller.
        unsafe { store_f16x8(at, values) }
    }

    /// Never: here the usual is all there is.
    #[inline(always)]
    pub(super) fn f16_in_doubt(_: &F16Doubt) -> bool {
        false
    }

    #[inline(always)]
    pub(super) unsafe fn load_bf16x8(at: *const Bf16) -> [v128; 2] {
        // SAFETY: passed on to the caller.
        unsafe { load(at, Bf16::to_f32) }
    }

    #[inline(always)]
    pub(super) unsafe fn store_bf16x8(at: *mut Bf16, values: [v128; 2]) {
        // SAFETY: passed on to the caller.
        unsafe { store(at, values, Bf16::from_f32) }
    }

    #[inline(always)]
    pub(super) unsafe fn store_usual_bf16x8(at: *mut Bf16, values: [v128; 2], _: &mut Bf16Doubt) {
        // SAFETY: passed on to the caller.
        unsafe { store_bf16x8(at, values) }
    }

    /// Never: here the usual is all there is.
    #[inline(always)]
    pub(super) fn bf16_in_doubt(_: &Bf16Doubt) -> bool {
        false
    }

    #[inline(always)]
    pub(super) unsafe fn load_i8x16(at: *const i8) -> [v128; 4] {
        // SAFETY: passed on to the caller.
        unsafe { load(at, f32::from) }
    }

    #[inline(always)]
    pub(super) unsafe fn load_u8x16(at: *const u8) -> [v128; 4] {
        // SAFETY: passed on to the caller.
        unsafe { load(at, f32::from) }
    }

    #[inline(always)]
    pub(super) unsafe fn load_nibbles(at: *const u8) -> [[v128; 4]; 2] {
        // SAFETY: passed on to the caller.
        unsafe {
            [
                load(at, |byte| f32::from(byte & 15)),
                load(at, |byte| f32::from(byte >> 4)),
            ]
        }
    }

    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "saturating is meant")]
    pub(super) unsafe fn store_i8x16(at: *mut i8, values: [v128; 4]) {
        // SAFETY: passed on to the caller.
        unsafe { store(at, values, |value| value as i8) }
    }

    #[inline(always)]
    pub(super) unsafe fn store_nibbles(at: *mut u8, [low, high]: [[v128; 4]; 2]) {
        let (low, high) = (low.map(lanes), high.map(lanes));
        for i in 0..16 {
            let [low, high] = [low, high].map(|values| nibble(values[i / 4][i % 4]));
            // SAFETY: the caller vouches for 16 writable bytes.
            unsafe { at.add(i).write(low | high << 4) };
        }
    }

    #[inline(always)]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "truncating and saturating are meant"
    )]
    fn nibble(value: f32) -> u8 {
        (value as u8).min(15)
    }

    /// # Safety
    ///
    /// `at` is valid for reading four times `N` elements.
    #[inline(always)]
    unsafe fn load<T: Copy, const N: usize>(at: *const T, widen: impl Fn(T) -> f32) -> [v128; N] {
        from_fn(|vector| {
            // SAFETY: vector * 4 + lane < 4 * N.
            let lanes: [f32; 4] =
                from_fn(|lane| widen(unsafe { at.add(vector * 4 + lane).read() }));
            // SAFETY: four lanes are 16 bytes.
            unsafe { v128_load(lanes.as_ptr().cast()) }
        })
    }

    /// # Safety
    ///
    /// `at` is valid for writing four times `N` elements.
    #[inline(always)]
    unsafe fn store<T, const N: usize>(at: *mut T, values: [v128; N], narrow: impl Fn(f32) -> T) {
        for (vector, value) in values.into_iter().enumerate() {
            for (lane, value) in lanes(value).into_iter().enumerate() {
                // SAFETY: vector * 4 + lane < 4 * N.
                unsafe { at.add(vector * 4 + lane).write(narrow(value)) };
            }
        }
    }

    #[inline(always)]
    fn lanes(value: v128) -> [f32; 4] {
        let mut lanes = [0.0; 4];
        // SAFETY: four lanes are 16 bytes.
        unsafe { v128_store(lanes.as_mut_ptr().cast(), value) };
        lanes
    }
}
