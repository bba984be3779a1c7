//! The calls that are measured.

use kpack::{BoundKernel, CallError, DataType, Kernel, ParamValue, Tensor};
use kpack_reference::{AttentionShape, LoraShape, PairLayout, RopeShape};
use kpack_schema::tensor_byte_len;

pub use self::list::{all, halves, middle};
use crate::operator::{Blocks, Operator};

mod list;

/// One call of a kernel at one size.
#[derive(Debug, Clone)]
pub struct Workload {
    /// The kernel's id.
    pub kernel: &'static str,
    /// The size for people, such as `32 x 4096`.
    pub size: String,
    /// The inputs under their manifest names.
    pub inputs: Vec<(&'static str, Tensor)>,
    /// The parameters that differ from their defaults.
    pub params: Vec<(&'static str, ParamValue)>,
    /// The number of elements of the output.
    pub output_elements: usize,
    /// Their type.
    pub output: DataType,
}

impl Workload {
    /// The bytes of all inputs and of the output.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let inputs: usize = self
            .inputs
            .iter()
            .map(|(_, tensor)| tensor.bytes().len())
            .sum();
        let output = tensor_byte_len(self.output, &[self.output_elements]);
        u64::try_from(inputs).expect("a workload fits memory") + output.expect("blocks are whole")
    }

    /// The kernel and the size, such as `rmsnorm_f32, 32 x 4096`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}, {}", self.kernel, self.size)
    }

    /// What the call computes, with its inputs as slices; none for half precision, which is compared with
    /// the same kernel in `f32` only.
    #[must_use]
    pub fn operator(&self) -> Option<Operator<'_>> {
        let inputs: Vec<&Tensor> = self.inputs.iter().map(|(_, tensor)| tensor).collect();
        Some(match (self.kernel, &*inputs) {
            ("rmsnorm_f32", [x, weight]) => Operator::RmsNorm {
                x: f32s(x),
                weight: f32s(weight),
                eps: 1e-5,
            },
            ("rope_f32", [x, freqs]) => Operator::Rope {
                shape: rope_shape(x, freqs),
                layout: match self.params[0].1 {
                    ParamValue::Bool(true) => PairLayout::Interleaved,
                    _ => PairLayout::Half,
                },
                x: f32s(x),
                freqs: f32s(freqs),
            },
            ("rope_freqs_f32", [positions]) => Operator::RopeFreqs {
                positions: positions.as_slice().expect("positions are i32"),
                half: self.output_elements / positions.shape()[0] / 2,
                theta: 10_000.0,
            },
            ("swiglu_f32", [gate, up]) => Operator::SwiGlu {
                gate: f32s(gate),
                up: f32s(up),
            },
            ("attention_f32", [q, k, v]) => Operator::Attention {
                shape: attention_shape(q, k),
                q: f32s(q),
                k: f32s(k),
                v: f32s(v),
            },
            ("lora_apply_f32", [base, x, lora_a, lora_b]) => Operator::Lora {
                shape: lora_shape(x, lora_b),
                base: f32s(base),
                x: f32s(x),
                lora_a: f32s(lora_a),
                lora_b: f32s(lora_b),
            },
            ("kv_pack_q8", [x]) => Operator::Pack(Blocks::Q8, f32s(x)),
            ("kv_pack_q4", [x]) => Operator::Pack(Blocks::Q4, f32s(x)),
            ("kv_unpack_q8", [blocks]) => Operator::Unpack(Blocks::Q8, blocks.bytes()),
            ("kv_unpack_q4", [blocks]) => Operator::Unpack(Blocks::Q4, blocks.bytes()),
            _ => return None,
        })
    }

    /// Binds the kernel to the workload's shapes and writes the inputs.
    ///
    /// # Errors
    ///
    /// When the kernel does not take the workload.
    pub fn bind(&self, kernel: &Kernel) -> Result<BoundKernel, CallError> {
        let shapes: Vec<(&str, &[usize])> = self
            .inputs
            .iter()
            .map(|(name, tensor)| (*name, tensor.shape()))
            .collect();
        let mut bound = kernel.bind_shapes(&shapes, &self.params)?;
        for (name, tensor) in &self.inputs {
            bound.input_bytes_mut(name)?.copy_from_slice(tensor.bytes());
        }
        Ok(bound)
    }
}

fn rope_shape(x: &Tensor, freqs: &Tensor) -> RopeShape {
    let (&[batch, seq, heads, dim], &[_, _, half]) = (x.shape(), freqs.shape()) else {
        panic!("x has rank 4 and freqs rank 3");
    };
    RopeShape {
        batch,
        seq,
        heads,
        dim,
        half,
    }
}

fn attention_shape(q: &Tensor, k: &Tensor) -> AttentionShape {
    let (&[q_seq, heads, dim], &[kv_seq, kv_heads, _]) = (q.shape(), k.shape()) else {
        panic!("q and k have rank 3");
    };
    AttentionShape {
        q_seq,
        kv_seq,
        heads,
        kv_heads,
        dim,
    }
}

fn lora_shape(x: &Tensor, lora_b: &Tensor) -> LoraShape {
    let (&[rows, inputs], &[outputs, rank]) = (x.shape(), lora_b.shape()) else {
        panic!("x and lora_b have rank 2");
    };
    LoraShape {
        rows,
        inputs,
        outputs,
        rank,
    }
}

fn f32s(tensor: &Tensor) -> &[f32] {
    tensor.as_slice().expect("the tensor is f32")
}
