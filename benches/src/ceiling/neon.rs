//! NEON on aarch64: four lanes.

use std::arch::aarch64::{
    float32x4_t, vaddq_f32, vaddvq_f32, vdivq_f32, vdupq_n_f32, vdupq_n_u64, veorq_u32, vfmaq_f32,
    vfmsq_f32, vld1q_f32, vmaxq_f32, vminq_f32, vmulq_f32, vreinterpretq_f32_s32,
    vreinterpretq_f32_u32, vreinterpretq_s32_f32, vreinterpretq_u32_f32, vreinterpretq_u32_u64,
    vrev64q_f32, vshlq_n_s32, vst1q_f32, vsubq_f32, vzip1q_f32, vzip2q_f32,
};

use super::lanes::{Lanes, Op};

const LANES: usize = 4;

/// The proof that the processor has NEON.
#[derive(Debug, Clone, Copy)]
pub(super) struct Neon(());

impl Neon {
    pub(super) fn detect() -> Option<Self> {
        std::arch::is_aarch64_feature_detected!("neon").then_some(Self(()))
    }

    pub(super) fn run(self, op: impl Op) {
        // SAFETY: `self` proves that the processor has the instructions.
        unsafe { enabled(self, op) }
    }
}

#[target_feature(enable = "neon")]
fn enabled(lanes: Neon, op: impl Op) {
    op.run::<LANES, _>(lanes);
}

/// Calls an intrinsic that touches registers only.
macro_rules! registers {
    ($call:expr) => {{
        // SAFETY: `self` proves that the processor has the instruction, which touches no memory.
        unsafe { $call }
    }};
}

impl Lanes<LANES> for Neon {
    type Register = float32x4_t;

    #[inline(always)]
    fn splat(self, value: f32) -> float32x4_t {
        registers!(vdupq_n_f32(value))
    }

    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> float32x4_t {
        // SAFETY: `self` proves that the processor has the instruction; the array has 4 elements.
        unsafe { vld1q_f32(from.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, value: float32x4_t, to: &mut [f32; LANES]) {
        // SAFETY: `self` proves that the processor has the instruction; the array has 4 elements.
        unsafe { vst1q_f32(to.as_mut_ptr(), value) }
    }

    #[inline(always)]
    fn load_tail(self, from: &[f32]) -> float32x4_t {
        let mut whole = [0.0; LANES];
        whole[..from.len()].copy_from_slice(from);
        self.load(&whole)
    }

    #[inline(always)]
    fn store_tail(self, value: float32x4_t, to: &mut [f32]) {
        let mut whole = [0.0; LANES];
        self.store(value, &mut whole);
        to.copy_from_slice(&whole[..to.len()]);
    }

    #[inline(always)]
    fn add(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        registers!(vaddq_f32(a, b))
    }

    #[inline(always)]
    fn multiply(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        registers!(vmulq_f32(a, b))
    }

    #[inline(always)]
    fn multiply_add(self, a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        registers!(vfmaq_f32(c, a, b))
    }

    #[inline(always)]
    fn subtract_product(self, c: float32x4_t, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        registers!(vfmsq_f32(c, a, b))
    }

    #[inline(always)]
    fn divide(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        registers!(vdivq_f32(a, b))
    }

    #[inline(always)]
    fn sum(self, value: float32x4_t) -> f32 {
        registers!(vaddvq_f32(value))
    }

    #[inline(always)]
    fn double(self, value: float32x4_t) -> [float32x4_t; 2] {
        registers!([vzip1q_f32(value, value), vzip2q_f32(value, value)])
    }

    #[inline(always)]
    fn swap_neighbours(self, value: float32x4_t) -> float32x4_t {
        registers!(vrev64q_f32(value))
    }

    #[inline(always)]
    fn negate_even(self, value: float32x4_t) -> float32x4_t {
        registers!(vreinterpretq_f32_u32(veorq_u32(
            vreinterpretq_u32_f32(value),
            vreinterpretq_u32_u64(vdupq_n_u64(1 << 31))
        )))
    }

    // Both give NaN where one of their operands is.
    #[inline(always)]
    fn at_least(self, value: float32x4_t, bound: f32) -> float32x4_t {
        registers!(vmaxq_f32(value, vdupq_n_f32(bound)))
    }

    #[inline(always)]
    fn at_most(self, value: float32x4_t, bound: f32) -> float32x4_t {
        registers!(vminq_f32(value, vdupq_n_f32(bound)))
    }

    /// As the kernel has it: with n the integer nearest `-x / ln 2` and t = x + n ln 2,
    /// `exp(-x) = 2^n exp(-t)`. Adding `ROUND` rounds to an integer, which then stands in the low
    /// bits of the sum, where one shift makes `2^(n-1)` of it.
    #[inline(always)]
    fn exp_of_negative(self, x: float32x4_t) -> float32x4_t {
        let rounded = self.multiply_add(x, self.splat(MINUS_LOG2_E), self.splat(ROUND));
        let n = registers!(vsubq_f32(rounded, vdupq_n_f32(ROUND)));
        let power = registers!(vreinterpretq_f32_s32(vshlq_n_s32::<23>(
            vreinterpretq_s32_f32(rounded)
        )));
        let t = self.multiply_add(n, self.splat(LN2_HIGH), x);
        let t = self.multiply_add(n, self.splat(LN2_LOW), t);
        let [c1, c2, c3, c4, c5] = COEFFICIENTS;
        let square = self.multiply(t, t);
        let low = self.multiply_add(self.splat(c1), t, self.splat(2.0));
        let middle = self.multiply_add(self.splat(c3), t, self.splat(c2));
        let high = self.multiply_add(self.splat(c5), t, self.splat(c4));
        let polynomial = self.multiply_add(self.multiply_add(high, square, middle), square, low);
        self.multiply(power, polynomial)
    }
}

/// 1.5 * 2^23, and 126 for the exponent of `2^(n-1)`.
const ROUND: f32 = 12_582_912.0 + 126.0;
const MINUS_LOG2_E: f32 = -std::f32::consts::LOG2_E;
const LN2_HIGH: f32 = std::f32::consts::LN_2;
/// What `LN2_HIGH` lacks.
const LN2_LOW: f32 = -1.904_654_3e-9;

/// `2 exp(-t)` for |t| <= ln 2 / 2: 2 plus a polynomial with the least relative error (9.4e-8).
const COEFFICIENTS: [f32; 5] = [
    -1.999_999_4,
    0.999_982_95,
    -0.333_352_77,
    0.083_796_32,
    -0.016_580_539,
];
