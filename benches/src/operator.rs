//! What a workload computes, for those who compute it without kpack.

use kpack_reference::{PairLayout, RopeShape};

/// A call of one of the reference kernels' operators.
#[derive(Debug, Clone, Copy)]
pub enum Operator<'a> {
    /// Root mean square normalisation, without a weight offset.
    RmsNorm {
        /// `[rows, hidden]`.
        x: &'a [f32],
        /// `[hidden]`.
        weight: &'a [f32],
        /// What is added to the mean of the squares.
        eps: f32,
    },
    /// Rotary position embedding with given tables.
    Rope {
        /// The dimensions.
        shape: RopeShape,
        /// Which elements are turned together.
        layout: PairLayout,
        /// `[batch, seq, heads, dim]`.
        x: &'a [f32],
        /// `[seq, 2, half]`.
        freqs: &'a [f32],
    },
    /// The tables of a rotary position embedding.
    RopeFreqs {
        /// `[seq]`.
        positions: &'a [i32],
        /// Pairs of each head.
        half: usize,
        /// The base of the angles.
        theta: f32,
    },
    /// SwiGLU.
    SwiGlu {
        /// `[rows, width]`.
        gate: &'a [f32],
        /// `[rows, width]`.
        up: &'a [f32],
    },
}
