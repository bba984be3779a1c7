//! Rotary position embedding: `rope_f32` turns pairs of elements by tabulated angles,
//! `rope_freqs_f32` makes the tables.
//!
//! Su et al., "RoFormer: Enhanced Transformer with Rotary Position Embedding", 2021.
//!
//! The baseline and the SIMD variant give the same bits on every machine. The relaxed SIMD variant
//! fuses multiplications and additions where the machine can, so that its last bits may differ from
//! machine to machine; the tables of `rope_freqs_f32` are the same in all three.

#![no_std]

mod freqs;
mod pairs;
mod rotate;
mod sincos;

use guest::{Call, ParamCursor, Status, elements};

/// The entry point of `rope_f32`: inputs `x` [batch, seq, heads, dim] and `freqs` [seq, 2, half],
/// output `y` [batch, seq, heads, dim].
#[unsafe(no_mangle)]
pub extern "C" fn rope_forward(descriptor: u32) -> i32 {
    guest::run(descriptor, rotate_all)
}

/// The entry point of `rope_freqs_f32`: input `positions` [seq], output `freqs` [seq, 2, half].
#[unsafe(no_mangle)]
pub extern "C" fn rope_freqs_forward(descriptor: u32) -> i32 {
    guest::run(descriptor, tabulate)
}

/// Symbols batch, seq, heads, dim, half; then the parameter.
const INTERLEAVED: (u32, ParamCursor) = ParamCursor::after_symbols(5).place(4);
const ROPE_PARAMS_SIZE: usize = INTERLEAVED.1.end() as usize;

fn rotate_all(call: &Call) -> Result<(), Status> {
    let params = call.params::<ROPE_PARAMS_SIZE>()?;
    let [batch, seq, heads, dim, half] = [0, 4, 8, 12, 16].map(|at| params.u32(at));
    if u64::from(half) * 2 > u64::from(dim) {
        return Err(Status::InvalidInput);
    }
    let count = elements(&[batch, seq, heads, dim]);
    let job = rotate::Job {
        x: call.input_a(count)?,
        freqs: call.input_b(elements(&[seq, 2, half]))?,
        y: call.output(count)?,
        batch: batch as usize,
        seq: seq as usize,
        heads: heads as usize,
        dim: dim as usize,
        half: half as usize,
    };
    match params.u32(INTERLEAVED.0) {
        // SAFETY: the three regions have the sizes that `Job` names, and 2 * half <= dim.
        0 => unsafe { rotate::rotate::<pairs::Half>(&job) },
        // SAFETY: as above.
        1 => unsafe { rotate::rotate::<pairs::Interleaved>(&job) },
        _ => return Err(Status::InvalidParams),
    }
    Ok(())
}

/// Symbols seq, half; then the parameters, of which `half` repeats the symbol that it binds.
const FREQS_HALF: (u32, ParamCursor) = ParamCursor::after_symbols(2).place(4);
const FREQS_THETA: (u32, ParamCursor) = FREQS_HALF.1.place(4);
const FREQS_PARAMS_SIZE: usize = FREQS_THETA.1.end() as usize;

fn tabulate(call: &Call) -> Result<(), Status> {
    let params = call.params::<FREQS_PARAMS_SIZE>()?;
    let (seq, half) = (params.u32(0), params.u32(4));
    let theta = params.f32(FREQS_THETA.0);
    if params.u32(FREQS_HALF.0) != half || !(theta >= 1.0 && theta.is_finite()) {
        return Err(Status::InvalidParams);
    }
    let positions = call.input_a::<i32>(elements(&[seq]))?;
    let table = call.output::<f32>(elements(&[seq, 2, half]))?;
    // SAFETY: `positions` holds seq elements and `table` seq * 2 * half.
    unsafe {
        freqs::tabulate(
            positions,
            table,
            seq as usize,
            half as usize,
            f64::from(theta),
        )
    };
    Ok(())
}
