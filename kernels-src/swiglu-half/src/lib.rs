//! `swiglu_f16` and `swiglu_bf16`: `y = silu(gate) * up`, where `silu(g) = g / (1 + exp(-g))`, computed
//! in `f32` and rounded once.
//!
//! Shazeer, "GLU Variants Improve Transformer", 2020. The relaxed SIMD variant fuses multiplications and
//! additions where the machine can, so that a result may be the other one of two nearly as near.

#![cfg_attr(target_arch = "wasm32", no_std)]

use kpack_guest::simd::{f32x4_div, f32x4_mul};
use kpack_guest::{Bf16, F16, kernel};
use numeric::{Number, exp, map};

/// The kernel `swiglu_f16`.
#[kernel(
    id = "swiglu_f16",
    name = "SwiGLU activation of f16",
    category = activation,
    inputs(gate: f16[rows, width], up: f16[rows, width]),
    outputs(y: f16[rows, width]),
    parallel_dims(rows),
)]
fn swiglu_f16_forward(gate: &[F16], up: &[F16], y: &mut [F16]) {
    gated(gate, up, y);
}

/// The kernel `swiglu_bf16`.
#[kernel(
    id = "swiglu_bf16",
    name = "SwiGLU activation of bf16",
    category = activation,
    inputs(gate: bf16[rows, width], up: bf16[rows, width]),
    outputs(y: bf16[rows, width]),
    parallel_dims(rows),
)]
fn swiglu_bf16_forward(gate: &[Bf16], up: &[Bf16], y: &mut [Bf16]) {
    gated(gate, up, y);
}

/// The quotient comes first: `gate * up` may overflow where the result does not. Below -88.73 the
/// exponential is infinite and the quotient -0; the true value there is under 2.7e-37.
#[inline(always)]
fn gated<T: Number>(gate: &[T], up: &[T], y: &mut [T]) {
    // SAFETY: the three tensors have the same shape.
    unsafe {
        map(
            [gate.as_ptr(), up.as_ptr()],
            y.as_mut_ptr(),
            y.len(),
            |[gate, up]| {
                let denominator = exp::one_plus_exp_of_negative(exp::clamp(gate));
                f32x4_mul(f32x4_div(gate, denominator), up)
            },
        );
    }
}
