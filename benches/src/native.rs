//! The same calls as native Rust loops, for the vectors of 128 bits that every processor of the
//! architecture has.
//!
//! Most are [the plain loops](native), which the compiler turns into such vectors. Where it does so badly,
//! the loop is written here for four lanes.

use kpack_reference::native;

use crate::operator::{Blocks, Operator};
use crate::workload::Workload;

mod attention;
mod four;
mod lora;
mod pack_q8;

/// A workload with an output of its own, run natively.
#[derive(Debug)]
pub struct NativeCall<'a> {
    operator: Operator<'a>,
    output: Vec<f32>,
    blocks: Vec<u8>,
}

/// What a call has computed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Computed<'a> {
    /// A tensor of `f32`.
    F32s(&'a [f32]),
    /// Blocks.
    Blocks(&'a [u8]),
}

impl<'a> NativeCall<'a> {
    /// Prepares the workload's output; `None` where there is no loop for it.
    #[must_use]
    pub fn new(workload: &'a Workload) -> Option<Self> {
        let operator = workload.operator()?;
        let (f32s, blocks) = match operator {
            Operator::Pack(blocks, x) => (0, x.len() / 32 * blocks.bytes()),
            _ => (workload.output_elements, 0),
        };
        Some(Self {
            operator,
            output: vec![0.0; f32s],
            blocks: vec![0; blocks],
        })
    }

    /// Runs the loop once and gives its output.
    pub fn run(&mut self) -> Computed<'_> {
        let y = &mut self.output;
        match self.operator {
            Operator::RmsNorm { x, weight, eps } => native::rmsnorm(x, weight, eps, 0.0, y),
            Operator::Rope {
                shape,
                layout,
                x,
                freqs,
            } => native::rope(shape, layout, x, freqs, y),
            Operator::RopeFreqs {
                positions,
                half,
                theta,
            } => native::rope_freqs(positions, half, theta, y),
            Operator::SwiGlu { gate, up } => native::swiglu(gate, up, y),
            Operator::Attention { shape, q, k, v } => attention::attention(shape, q, k, v, y),
            Operator::Lora {
                shape,
                base,
                x,
                lora_a,
                lora_b,
            } => lora::lora_apply(shape, base, x, lora_a, lora_b, y),
            Operator::Unpack(Blocks::Q8, blocks) => native::kv_unpack_q8(blocks, y),
            Operator::Unpack(Blocks::Q4, blocks) => native::kv_unpack_q4(blocks, y),
            Operator::Pack(Blocks::Q8, x) => pack_q8::kv_pack_q8(x, &mut self.blocks),
            Operator::Pack(Blocks::Q4, x) => native::kv_pack_q4(x, &mut self.blocks),
        }
        match self.operator {
            Operator::Pack(..) => Computed::Blocks(&self.blocks),
            _ => Computed::F32s(&self.output),
        }
    }
}
