//! `swiglu_f32`: `y = silu(gate) * up`, where `silu(g) = g / (1 + exp(-g))`.
//!
//! Shazeer, "GLU Variants Improve Transformer", 2020.
//!
//! The baseline and the SIMD variant give the same bits on every machine. The relaxed SIMD variant
//! fuses multiplications and additions where the machine can, so that its last bits may differ from
//! machine to machine.

#![cfg_attr(target_arch = "wasm32", no_std)]

use kpack_guest::kernel;
use kpack_guest::simd::{
    LANES, f32x4_div, f32x4_extract_lane, f32x4_mul, f32x4_splat, i32x4_bitmask, i32x4_splat, load,
    store, v128, v128_or,
};
use numeric::exp;

/// The kernel: the rows do not matter, every element is by itself.
#[kernel(
    id = "swiglu_f32",
    name = "SwiGLU activation",
    category = activation,
    inputs(gate: f32[rows, width], up: f32[rows, width]),
    outputs(y: f32[rows, width]),
    parallel_dims(rows),
)]
fn swiglu_forward(gate: &[f32], up: &[f32], y: &mut [f32]) {
    // SAFETY: the three tensors have the same shape.
    unsafe { gated(gate.as_ptr(), up.as_ptr(), y.as_mut_ptr(), y.len()) };
}

/// Vectors that one turn of the loop works on; they are independent, so that their divisions and
/// polynomials overlap.
const UNROLL: usize = 8;
const BLOCK: usize = UNROLL * LANES;

/// # Safety
///
/// `gate` and `up` are valid for reading `length` elements, `y` for writing as many.
#[inline(always)]
unsafe fn gated(gate: *const f32, up: *const f32, y: *mut f32, length: usize) {
    let mut at = 0;
    while at + BLOCK <= length {
        // SAFETY: at + BLOCK <= length.
        unsafe { block(gate.add(at), up.add(at), y.add(at)) };
        at += BLOCK;
    }
    while at + LANES <= length {
        // SAFETY: at + LANES <= length.
        unsafe { store(y.add(at), swiglu(load(gate.add(at)), load(up.add(at)))) };
        at += LANES;
    }
    while at < length {
        // SAFETY: at < length. One lane of a vector, so that the tail rounds as the body does.
        unsafe {
            let value = swiglu(f32x4_splat(*gate.add(at)), f32x4_splat(*up.add(at)));
            *y.add(at) = f32x4_extract_lane::<0>(value);
        }
        at += 1;
    }
}

/// Gates are almost always near: a look at the block's costs less than to clamp each.
///
/// # Safety
///
/// `gate` and `up` are valid for reading `BLOCK` elements, `y` for writing as many.
#[inline(always)]
unsafe fn block(gate: *const f32, up: *const f32, y: *mut f32) {
    // SAFETY: passed on to the caller; every i + 4 <= BLOCK.
    unsafe {
        let mut far = i32x4_splat(0);
        for i in (0..BLOCK).step_by(LANES) {
            far = v128_or(far, exp::far(load(gate.add(i))));
        }
        if i32x4_bitmask(far) != 0 {
            return far_block(gate, up, y);
        }
        for i in (0..BLOCK).step_by(LANES) {
            store(y.add(i), swiglu_of_near(load(gate.add(i)), load(up.add(i))));
        }
    }
}

/// # Safety
///
/// As [`block`].
#[cold]
#[inline(never)]
unsafe fn far_block(gate: *const f32, up: *const f32, y: *mut f32) {
    for i in (0..BLOCK).step_by(LANES) {
        // SAFETY: passed on to the caller; i + 4 <= BLOCK.
        unsafe { store(y.add(i), swiglu(load(gate.add(i)), load(up.add(i)))) };
    }
}

/// `gate / (1 + exp(-gate)) * up` in each lane.
///
/// Below -88.73 the exponential is infinite and the quotient -0; the true value there is under
/// 2.7e-37.
#[inline(always)]
fn swiglu(gate: v128, up: v128) -> v128 {
    quotient_first(gate, exp::clamp(gate), up)
}

/// The same bits where [`exp::clamp`] changes nothing.
#[inline(always)]
fn swiglu_of_near(gate: v128, up: v128) -> v128 {
    quotient_first(gate, gate, up)
}

/// The quotient comes first: `gate * up` may overflow where the result does not.
#[inline(always)]
fn quotient_first(gate: v128, clamped: v128, up: v128) -> v128 {
    let denominator = exp::one_plus_exp_of_negative(clamped);
    f32x4_mul(f32x4_div(gate, denominator), up)
}
