//! What a workload computes, for those who compute it without kpack.

use kpack::DataType;
use kpack_reference::{AttentionShape, LoraShape, PairLayout, RopeShape};

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
    /// Causal attention, with scores over the root of the dimension.
    Attention {
        /// The dimensions.
        shape: AttentionShape,
        /// `[q_seq, heads, dim]`.
        q: &'a [f32],
        /// `[kv_seq, kv_heads, dim]`.
        k: &'a [f32],
        /// `[kv_seq, kv_heads, dim]`.
        v: &'a [f32],
    },
    /// A low-rank adapter, with a scale of 1.
    Lora {
        /// The dimensions.
        shape: LoraShape,
        /// `[rows, outputs]`.
        base: &'a [f32],
        /// `[rows, inputs]`.
        x: &'a [f32],
        /// `[rank, inputs]`.
        lora_a: &'a [f32],
        /// `[outputs, rank]`.
        lora_b: &'a [f32],
    },
    /// Rows as blocks.
    Pack(Blocks, &'a [f32]),
    /// Blocks as rows.
    Unpack(Blocks, &'a [u8]),
}

/// ggml's blocks of 32 elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blocks {
    /// Q8_0.
    Q8,
    /// Q4_0.
    Q4,
}

impl Blocks {
    /// The type of a tensor of such blocks.
    #[must_use]
    pub const fn dtype(self) -> DataType {
        match self {
            Self::Q8 => DataType::Q8,
            Self::Q4 => DataType::Q4,
        }
    }

    /// The bytes of a block.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::Q8 => 34,
            Self::Q4 => 18,
        }
    }
}
