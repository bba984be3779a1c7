//! AVX-512 on x86-64: sixteen lanes.

use std::arch::x86_64::{
    __m512, _mm512_add_epi32, _mm512_add_ps, _mm512_castps_si512, _mm512_castsi512_ps,
    _mm512_fmadd_ps, _mm512_fnmadd_ps, _mm512_loadu_ps, _mm512_mask_storeu_ps,
    _mm512_maskz_loadu_ps, _mm512_max_ps, _mm512_min_ps, _mm512_mul_ps, _mm512_permute_ps,
    _mm512_permutex2var_ps, _mm512_permutexvar_ps, _mm512_rcp14_ps, _mm512_reduce_add_ps,
    _mm512_set1_epi32, _mm512_set1_epi64, _mm512_set1_ps, _mm512_setr_epi32, _mm512_slli_epi32,
    _mm512_storeu_ps, _mm512_sub_ps, _mm512_xor_si512,
};

use super::lanes::{Lanes, Op};

const LANES: usize = 16;

/// The proof that the processor has AVX-512F.
#[derive(Debug, Clone, Copy)]
pub(super) struct Avx512(());

impl Avx512 {
    pub(super) fn detect() -> Option<Self> {
        std::arch::is_x86_feature_detected!("avx512f").then_some(Self(()))
    }

    pub(super) fn run(self, op: impl Op) {
        // SAFETY: `self` proves that the processor has the instructions.
        unsafe { enabled(self, op) }
    }
}

#[target_feature(enable = "avx512f")]
fn enabled(lanes: Avx512, op: impl Op) {
    op.run::<LANES, _>(lanes);
}

/// Calls an intrinsic that touches registers only.
macro_rules! registers {
    ($call:expr) => {{
        // SAFETY: `self` proves that the processor has the instruction, which touches no memory.
        unsafe { $call }
    }};
}

impl Lanes<LANES> for Avx512 {
    type Register = __m512;

    #[inline(always)]
    fn splat(self, value: f32) -> __m512 {
        registers!(_mm512_set1_ps(value))
    }

    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> __m512 {
        // SAFETY: `self` proves that the processor has the instruction; the array has 16 elements.
        unsafe { _mm512_loadu_ps(from.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, value: __m512, to: &mut [f32; LANES]) {
        // SAFETY: `self` proves that the processor has the instruction; the array has 16 elements.
        unsafe { _mm512_storeu_ps(to.as_mut_ptr(), value) }
    }

    #[inline(always)]
    fn load_tail(self, from: &[f32]) -> __m512 {
        // SAFETY: `self` proves that the processor has the instruction; the mask leaves out what is
        // not in the slice.
        unsafe { _mm512_maskz_loadu_ps(first(from.len()), from.as_ptr()) }
    }

    #[inline(always)]
    fn store_tail(self, value: __m512, to: &mut [f32]) {
        // SAFETY: `self` proves that the processor has the instruction; the mask leaves out what is
        // not in the slice.
        unsafe { _mm512_mask_storeu_ps(to.as_mut_ptr(), first(to.len()), value) }
    }

    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        registers!(_mm512_add_ps(a, b))
    }

    #[inline(always)]
    fn multiply(self, a: __m512, b: __m512) -> __m512 {
        registers!(_mm512_mul_ps(a, b))
    }

    #[inline(always)]
    fn multiply_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        registers!(_mm512_fmadd_ps(a, b, c))
    }

    #[inline(always)]
    fn subtract_product(self, c: __m512, a: __m512, b: __m512) -> __m512 {
        registers!(_mm512_fnmadd_ps(a, b, c))
    }

    /// A division takes as long as ten other instructions. An estimate of 14 bits, and the quotient
    /// corrected by what it leaves of the dividend, give the same digits in four.
    #[inline(always)]
    fn divide(self, a: __m512, b: __m512) -> __m512 {
        let inverse = registers!(_mm512_rcp14_ps(b));
        let quotient = self.multiply(a, inverse);
        let rest = self.subtract_product(a, quotient, b);
        self.multiply_add(rest, inverse, quotient)
    }

    #[inline(always)]
    fn sum(self, value: __m512) -> f32 {
        registers!(_mm512_reduce_add_ps(value))
    }

    #[inline(always)]
    fn double(self, value: __m512) -> [__m512; 2] {
        registers!({
            let low = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
            let high = _mm512_add_epi32(low, _mm512_set1_epi32(8));
            [
                _mm512_permutexvar_ps(low, value),
                _mm512_permutexvar_ps(high, value),
            ]
        })
    }

    #[inline(always)]
    fn swap_neighbours(self, value: __m512) -> __m512 {
        registers!(_mm512_permute_ps::<0b10_11_00_01>(value))
    }

    #[inline(always)]
    fn negate_even(self, value: __m512) -> __m512 {
        registers!(_mm512_castsi512_ps(_mm512_xor_si512(
            _mm512_castps_si512(value),
            _mm512_set1_epi64(1 << 31)
        )))
    }

    // Both give their second operand where one is NaN.
    #[inline(always)]
    fn at_least(self, value: __m512, bound: f32) -> __m512 {
        registers!(_mm512_max_ps(_mm512_set1_ps(bound), value))
    }

    #[inline(always)]
    fn at_most(self, value: __m512, bound: f32) -> __m512 {
        registers!(_mm512_min_ps(_mm512_set1_ps(bound), value))
    }

    /// With n the multiple of 1/32 nearest `-x / ln 2` and s = x + n ln 2, so |s| <= ln 2 / 64:
    /// `exp(-x) = 2^n exp(-s)`, where the fraction of n chooses one of 32 powers from a table that
    /// two registers hold, and two terms are enough for `exp(-s) - 1`.
    ///
    /// Adding 1.5 * 2^18 rounds to 32nds, which then stand in the low bits of the sum: five bits of
    /// fraction, and above them the whole part, which a shift adds to the exponent.
    #[inline(always)]
    fn exp_of_negative(self, x: __m512) -> __m512 {
        let splat = |value| self.splat(value);
        let rounded = self.multiply_add(x, splat(MINUS_LOG2_E), splat(ROUND));
        let n = registers!(_mm512_sub_ps(rounded, splat(ROUND)));
        let s = self.multiply_add(n, splat(LN2_HIGH), x);
        let s = self.multiply_add(n, splat(LN2_LOW), s);
        let rest = self.multiply(self.multiply_add(s, splat(SQUARE), splat(LINEAR)), s);
        let power = registers!({
            let bits = _mm512_castps_si512(rounded);
            // The instruction looks at the five lowest bits of each index only.
            let (low, high) = (
                _mm512_loadu_ps(POWERS[0].as_ptr().cast()),
                _mm512_loadu_ps(POWERS[1].as_ptr().cast()),
            );
            let fraction = _mm512_permutex2var_ps(low, bits, high);
            let whole = _mm512_slli_epi32::<18>(bits);
            _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(fraction), whole))
        });
        self.multiply_add(power, rest, power)
    }
}

/// The mask of the first lanes.
fn first(count: usize) -> u16 {
    assert!(count < LANES, "a tail is shorter than a register");
    (1 << count) - 1
}

const ROUND: f32 = 393_216.0;
const MINUS_LOG2_E: f32 = -std::f32::consts::LOG2_E;
const LN2_HIGH: f32 = std::f32::consts::LN_2;
/// What `LN2_HIGH` lacks.
const LN2_LOW: f32 = -1.904_654_3e-9;
/// `exp(-s)` is 1 plus these times s and its square, with the least error where |s| <= ln 2 / 64.
const LINEAR: f32 = -1.000_014_7;
const SQUARE: f32 = 0.5;

/// The bits of `2^(i/32)` less i shifted to where the fraction of n ends up when its whole part is
/// added to the exponent.
#[rustfmt::skip]
const POWERS: [[u32; LANES]; 2] = [[
    0x3f80_0000, 0x3f7e_cd87, 0x3f7d_aac3, 0x3f7c_980f, 0x3f7b_95c2, 0x3f7a_a43a, 0x3f79_c3d3, 0x3f78_f4f0,
    0x3f78_37f0, 0x3f77_8d3a, 0x3f76_f532, 0x3f76_7043, 0x3f75_fed7, 0x3f75_a15b, 0x3f75_583f, 0x3f75_23f6,
], [
    0x3f75_04f3, 0x3f74_fbaf, 0x3f75_08a4, 0x3f75_2c4d, 0x3f75_672a, 0x3f75_b9be, 0x3f76_248c, 0x3f76_a81e,
    0x3f77_44fd, 0x3f77_fbb8, 0x3f78_ccdf, 0x3f79_b907, 0x3f7a_c0c7, 0x3f7b_e4ba, 0x3f7d_257d, 0x3f7e_83b3,
]];
