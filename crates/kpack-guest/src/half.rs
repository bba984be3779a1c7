//! The two formats of 16 bits, as the host stores them, and their conversions.

/// An element of the data type `f16`: IEEE 754 binary16.
///
/// A stored number, not one to count with: a kernel computes in `f32` and rounds once.
#[repr(transparent)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct F16(u16);

/// An element of the data type `bf16`: the upper half of an `f32`.
///
/// A stored number, not one to count with: a kernel computes in `f32` and rounds once.
#[repr(transparent)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bf16(u16);

impl F16 {
    /// The number with these bits.
    #[must_use]
    #[inline(always)]
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// The number's bits.
    #[must_use]
    #[inline(always)]
    pub const fn to_bits(self) -> u16 {
        self.0
    }

    /// The number nearest to `value`; of two equally near ones, the even one.
    ///
    /// From 65520 on, that is infinity. A NaN stays one: quiet, with its sign and the upper bits of its
    /// payload.
    #[must_use]
    #[inline(always)]
    pub fn from_f32(value: f32) -> Self {
        let bits = value.to_bits();
        let sign = (bits >> 16) & 0x8000;
        let magnitude = bits & 0x7fff_ffff;
        let half = if magnitude > INFINITY {
            0x7e00 | (magnitude >> 13) & 0x1ff
        } else if magnitude >= OVERFLOW {
            0x7c00
        } else if magnitude < SMALLEST_NORMAL {
            // The sum has the exponent at which an f32's last bit is worth the last bit of a
            // subnormal: the addition itself rounds, to nearest even.
            let sum = f32::from_bits(magnitude) + f32::from_bits(SUBNORMAL_MAGIC);
            sum.to_bits() - SUBNORMAL_MAGIC
        } else {
            let odd = (magnitude >> 13) & 1;
            (magnitude - REBIAS + 0xfff + odd) >> 13
        };
        Self(lower_half(sign | half))
    }

    /// The same number; of a NaN, the quiet one.
    #[must_use]
    #[inline(always)]
    pub fn to_f32(self) -> f32 {
        let bits = u32::from(self.0);
        let sign = (bits & 0x8000) << 16;
        let magnitude = (bits & 0x7fff) << 13;
        let value = if magnitude >= EXPONENT_MASK {
            let quiet = if magnitude > EXPONENT_MASK { QUIET } else { 0 };
            magnitude | INFINITY | quiet
        } else {
            // One exact multiplication gives the exponent its other bias, subnormals included.
            (f32::from_bits(magnitude) * f32::from_bits(TWO_TO_112)).to_bits()
        };
        f32::from_bits(sign | value)
    }
}

/// An infinite `f32`.
const INFINITY: u32 = 0x7f80_0000;
/// The bit that makes a NaN of an `f32` quiet.
const QUIET: u32 = 0x0040_0000;
/// The exponent of an infinite `f16`, where `to_f32` shifts it.
const EXPONENT_MASK: u32 = 0x7c00 << 13;
/// 65520, the least `f32` that rounds to an infinite `f16`.
const OVERFLOW: u32 = 0x477f_f000;
/// 2^-14.
const SMALLEST_NORMAL: u32 = 0x3880_0000;
/// 0.5: 2^-24, the last bit of a subnormal `f16`, times 2^23.
const SUBNORMAL_MAGIC: u32 = 0x3f00_0000;
/// The difference of the exponents' biases, 127 - 15, in the place of an `f32`'s exponent.
const REBIAS: u32 = 112 << 23;
/// The `f32` 2^112.
const TWO_TO_112: u32 = (112 + 127) << 23;

impl Bf16 {
    /// The number with these bits.
    #[must_use]
    #[inline(always)]
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// The number's bits.
    #[must_use]
    #[inline(always)]
    pub const fn to_bits(self) -> u16 {
        self.0
    }

    /// The number nearest to `value`; of two equally near ones, the even one.
    ///
    /// A NaN stays one: quiet, with its sign and the upper bits of its payload.
    #[must_use]
    #[inline(always)]
    pub fn from_f32(value: f32) -> Self {
        let bits = value.to_bits();
        let rounded = if bits & 0x7fff_ffff > INFINITY {
            bits | QUIET
        } else {
            bits + 0x7fff + ((bits >> 16) & 1)
        };
        Self(lower_half(rounded >> 16))
    }

    /// The same number, bit for bit.
    #[must_use]
    #[inline(always)]
    pub fn to_f32(self) -> f32 {
        f32::from_bits(u32::from(self.0) << 16)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the callers' values have 16 bits"
)]
#[inline(always)]
fn lower_half(bits: u32) -> u16 {
    bits as u16
}
