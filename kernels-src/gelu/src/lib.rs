//! `gelu_f32`: `x` times the share of the normal distribution that lies below `x`, exactly or in an
//! approximation with the hyperbolic tangent.
//!
//! Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016. The relaxed SIMD variant fuses
//! multiplications and additions where the machine can, so that its last bits may differ from machine to
//! machine.

#![cfg_attr(target_arch = "wasm32", no_std)]

use kpack_guest::kernel;
use kpack_guest::simd::{
    f32x4_abs, f32x4_add, f32x4_div, f32x4_lt, f32x4_mul, f32x4_splat, f32x4_sub, multiply_add,
    v128, v128_bitselect,
};
use numeric::{exp, map};

/// The kernel: every element is by itself.
#[kernel(
    id = "gelu_f32",
    name = "Gaussian error linear unit",
    category = activation,
    inputs(x: f32[rows, width]),
    outputs(y: f32[rows, width]),
    params(
        /// Whether the share is approximated by x / (1 + exp(-2 u)), u = sqrt(2 / pi) (x + 0.044715 x^3).
        tanh_approximation: bool = false,
    ),
    parallel_dims(rows),
)]
fn gelu_forward(x: &[f32], y: &mut [f32], tanh_approximation: bool) {
    // SAFETY: the two tensors have the same shape.
    unsafe {
        if tanh_approximation {
            map([x.as_ptr()], y.as_mut_ptr(), y.len(), |[x]| with_tanh(x));
        } else {
            map([x.as_ptr()], y.as_mut_ptr(), y.len(), |[x]| with_erf(x));
        }
    }
}

/// `x (1 + tanh(u)) / 2 = x / (1 + exp(-2 u))`, which keeps its digits where tanh is near -1.
#[inline(always)]
fn with_tanh(x: v128) -> v128 {
    /// 2 sqrt(2 / pi).
    const FACTOR: f32 = 1.595_769_1;
    let square = f32x4_mul(x, x);
    let inner = multiply_add(square, f32x4_splat(FACTOR * 0.044_715), f32x4_splat(FACTOR));
    let twice_u = exp::clamp(f32x4_mul(x, inner));
    f32x4_div(x, exp::one_plus_exp_of_negative(twice_u))
}

/// `x erfc(-x / sqrt(2)) / 2`.
#[inline(always)]
fn with_erf(x: v128) -> v128 {
    let z = f32x4_mul(f32x4_abs(x), f32x4_splat(core::f32::consts::FRAC_1_SQRT_2));
    let beyond = f32x4_mul(erfc_of_positive(z), f32x4_splat(0.5));
    let within = f32x4_sub(f32x4_splat(1.0), beyond);
    let share = v128_bitselect(beyond, within, f32x4_lt(x, f32x4_splat(0.0)));
    f32x4_mul(x, share)
}

/// `1 - erf(z)` for z >= 0, within 1.2e-7 relatively but for what the exponential's argument loses in
/// rounding.
///
/// Press et al., "Numerical Recipes in C", second edition, section 6.2: with t = 1 / (1 + z / 2) it is
/// t exp(-z^2 + P(t)).
#[inline(always)]
fn erfc_of_positive(z: v128) -> v128 {
    const COEFFICIENTS: [f32; 9] = [
        1.000_023_68,
        0.374_091_96,
        0.096_784_18,
        -0.186_288_06,
        0.278_868_07,
        -1.135_203_98,
        1.488_515_87,
        -0.822_152_23,
        0.170_872_77,
    ];
    let t = f32x4_div(
        f32x4_splat(1.0),
        multiply_add(z, f32x4_splat(0.5), f32x4_splat(1.0)),
    );
    let [first @ .., last] = COEFFICIENTS;
    let polynomial = first
        .into_iter()
        .rev()
        .fold(f32x4_splat(last), |sum, coefficient| {
            multiply_add(sum, t, f32x4_splat(coefficient))
        });
    // z^2 + 1.26551223 - t P'(t) is never below 0 but for rounding, where the exponential is right too.
    let falling = f32x4_add(f32x4_mul(z, z), f32x4_splat(1.265_512_23));
    let exponent = f32x4_sub(falling, f32x4_mul(t, polynomial));
    f32x4_mul(t, exp::exp_of_negative(exponent))
}
