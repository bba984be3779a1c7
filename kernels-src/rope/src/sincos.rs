//! Sine and cosine in `f64`, two lanes at a time, for the angles that positions can have.

use kpack_guest::simd::{
    f64x2_add, f64x2_mul, f64x2_splat, f64x2_sub, i64x2_add, i64x2_neg, i64x2_shl, i64x2_splat,
    v128, v128_and, v128_bitselect, v128_xor,
};

/// The sine and the cosine of each lane, to within 1e-15, for |angle| up to 2^31.
///
/// With n the integer nearest to `angle / (pi / 2)`, the rest r = angle - n pi/2 is formed with pi/2
/// in three parts, of which the first two are short enough that their products with n are exact
/// (Cody and Waite, "Software Manual for the Elementary Functions", 1980). The low two bits of n say
/// which of sin r and cos r each result is, and with which sign.
#[inline(always)]
pub(crate) fn sin_cos(angle: v128) -> (v128, v128) {
    let rounded = f64x2_add(
        f64x2_mul(angle, f64x2_splat(TWO_OVER_PI)),
        f64x2_splat(ROUND),
    );
    let n = f64x2_sub(rounded, f64x2_splat(ROUND));
    let rest = HALF_PI.into_iter().fold(angle, |rest, part| {
        f64x2_sub(rest, f64x2_mul(n, f64x2_splat(part)))
    });
    let (sin, cos) = (sin_of_rest(rest), cos_of_rest(rest));
    // Adding ROUND left n in the low bits of the sum.
    let swap = i64x2_neg(v128_and(rounded, i64x2_splat(1)));
    (
        v128_xor(v128_bitselect(cos, sin, swap), sign(rounded)),
        v128_xor(
            v128_bitselect(sin, cos, swap),
            sign(i64x2_add(rounded, i64x2_splat(1))),
        ),
    )
}

/// The sign bit where the second lowest bit of `n` is set.
#[inline(always)]
fn sign(n: v128) -> v128 {
    i64x2_shl(v128_and(n, i64x2_splat(2)), 62)
}

const TWO_OVER_PI: f64 = core::f64::consts::FRAC_2_PI;
const ROUND: f64 = 6_755_399_441_055_744.0;
/// pi / 2: 22 bits, the next 22 bits, and the rest.
const HALF_PI: [f64; 3] = [
    1.570_796_012_878_418,
    3.139_164_164_167_596e-07,
    6.223_372_171_896_613e-14,
];

/// |rest| <= pi / 4; the polynomials are those of fdlibm's `__kernel_sin` and `__kernel_cos`.
#[inline(always)]
fn sin_of_rest(rest: v128) -> v128 {
    let square = f64x2_mul(rest, rest);
    let tail = polynomial(
        square,
        [
            -1.666_666_666_666_663_2e-1,
            8.333_333_333_322_49e-3,
            -1.984_126_982_985_795e-4,
            2.755_731_370_707_006_8e-6,
            -2.505_076_025_340_686_3e-8,
            1.589_690_995_211_55e-10,
        ],
    );
    f64x2_add(rest, f64x2_mul(f64x2_mul(rest, square), tail))
}

#[inline(always)]
fn cos_of_rest(rest: v128) -> v128 {
    let square = f64x2_mul(rest, rest);
    let tail = polynomial(
        square,
        [
            -0.5,
            4.166_666_666_666_66e-2,
            -1.388_888_888_887_411e-3,
            2.480_158_728_947_673e-5,
            -2.755_731_435_139_066_3e-7,
            2.087_572_321_298_175e-9,
            -1.135_964_755_778_819_5e-11,
        ],
    );
    f64x2_add(f64x2_splat(1.0), f64x2_mul(square, tail))
}

/// The polynomial with these coefficients, the constant one first.
#[inline(always)]
fn polynomial<const N: usize>(x: v128, coefficients: [f64; N]) -> v128 {
    coefficients
        .into_iter()
        .rev()
        .fold(f64x2_splat(0.0), |sum, coefficient| {
            f64x2_add(f64x2_mul(sum, x), f64x2_splat(coefficient))
        })
}
