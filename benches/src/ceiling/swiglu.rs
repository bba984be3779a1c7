//! SwiGLU.

use super::lanes::{Lanes, Op};

/// Registers that one turn works on: their polynomials overlap.
const UNROLL: usize = 4;

pub(super) struct SwiGlu<'a> {
    pub(super) gate: &'a [f32],
    pub(super) up: &'a [f32],
    pub(super) y: &'a mut [f32],
}

impl Op for SwiGlu<'_> {
    #[inline(always)]
    fn run<const N: usize, L: Lanes<N>>(self, lanes: L) {
        let (gate, gate_tail) = self.gate.as_chunks::<N>();
        let (up, up_tail) = self.up.as_chunks::<N>();
        let (y, y_tail) = self.y.as_chunks_mut::<N>();
        let (gates, gate_rest) = gate.as_chunks::<UNROLL>();
        let (ups, up_rest) = up.as_chunks::<UNROLL>();
        let (ys, y_rest) = y.as_chunks_mut::<UNROLL>();
        for ((gate, up), y) in gates.iter().zip(ups).zip(ys) {
            for ((gate, up), y) in gate.iter().zip(up).zip(y) {
                lanes.store(gated(lanes, lanes.load(gate), lanes.load(up)), y);
            }
        }
        for ((gate, up), y) in gate_rest.iter().zip(up_rest).zip(y_rest) {
            lanes.store(gated(lanes, lanes.load(gate), lanes.load(up)), y);
        }
        let tail = gated(lanes, lanes.load_tail(gate_tail), lanes.load_tail(up_tail));
        lanes.store_tail(tail, y_tail);
    }
}

/// `gate / (1 + exp(-gate)) * up`.
///
/// The quotient comes first: `gate * up` may overflow where the result does not. Below -87 the
/// quotient stays what it is there, -1.4e-36, and from 87 up it is the gate.
#[inline(always)]
fn gated<const N: usize, L: Lanes<N>>(lanes: L, gate: L::Register, up: L::Register) -> L::Register {
    let gate = lanes.at_least(gate, -87.0);
    let power = lanes.exp_of_negative(lanes.at_most(gate, 87.0));
    let sigmoid = lanes.divide(gate, lanes.add(lanes.splat(1.0), power));
    lanes.multiply(sigmoid, up)
}
