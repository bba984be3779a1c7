//! candle's own operators on the processor.

use std::cell::OnceCell;
use std::env;

use anyhow::{Result, ensure};
use candle_core::{Device, Tensor};
use candle_nn::{ops, rotary_emb};
use kpack_reference::{AttentionShape, PairLayout, RopeShape};
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::operator::Operator;
use crate::workload::Workload;

/// A workload on candle's tensors.
///
/// Each operator gets its tensors in the layout it wants, all contiguous, so that none is copied; like
/// every operator of candle's it makes its output anew.
#[derive(Debug)]
pub struct CandleCall {
    operands: Operands,
}

#[derive(Debug)]
enum Operands {
    RmsNorm {
        x: Tensor,
        weight: Tensor,
        eps: f32,
    },
    Rope {
        /// [batch, heads, seq, dim].
        x: Tensor,
        cos: Tensor,
        sin: Tensor,
        layout: PairLayout,
    },
    SwiGlu {
        gate: Tensor,
        up: Tensor,
    },
    /// The queries that share a head of the keys and values are the rows of one product.
    Attention {
        /// [kv_heads, heads / kv_heads, dim].
        q: Tensor,
        /// [kv_heads, kv_seq, dim].
        k: Tensor,
        /// [kv_heads, kv_seq, dim].
        v: Tensor,
        scale: f64,
    },
    Lora {
        base: Tensor,
        x: Tensor,
        lora_a: Tensor,
        lora_b: Tensor,
    },
}

impl CandleCall {
    /// Copies the workload's inputs; `None` where candle has no such operator.
    ///
    /// From here on candle's operators run on one thread when they are called from this one, which stays
    /// a worker of rayon's: what else is measured on it is not measured as on a thread of a host's.
    ///
    /// # Errors
    ///
    /// When candle refuses a tensor, or may start threads.
    pub fn new(workload: &Workload) -> Result<Option<Self>> {
        stay_on_this_thread()?;
        let Some(operator) = workload.operator() else {
            return Ok(None);
        };
        let operands = match operator {
            Operator::RmsNorm { x, weight, eps } => Operands::RmsNorm {
                x: tensor(x, (x.len() / weight.len(), weight.len()))?,
                weight: tensor(weight, weight.len())?,
                eps,
            },
            Operator::Rope {
                shape,
                layout,
                x,
                freqs,
            } => rope(shape, layout, x, freqs)?,
            Operator::SwiGlu { gate, up } => Operands::SwiGlu {
                gate: tensor(gate, gate.len())?,
                up: tensor(up, up.len())?,
            },
            Operator::Attention { shape, q, k, v } => attention(shape, q, k, v)?,
            Operator::Lora {
                shape,
                base,
                x,
                lora_a,
                lora_b,
            } => Operands::Lora {
                base: tensor(base, (shape.rows, shape.outputs))?,
                x: tensor(x, (shape.rows, shape.inputs))?,
                lora_a: tensor(lora_a, (shape.rank, shape.inputs))?,
                lora_b: tensor(lora_b, (shape.outputs, shape.rank))?,
            },
            Operator::RopeFreqs { .. } | Operator::Pack(..) | Operator::Unpack(..) => {
                return Ok(None);
            }
        };
        Ok(Some(Self { operands }))
    }

    /// Runs the operators once.
    ///
    /// # Errors
    ///
    /// When candle refuses the tensors.
    pub fn run(&self) -> Result<Tensor> {
        Ok(match &self.operands {
            Operands::RmsNorm { x, weight, eps } => ops::rms_norm(x, weight, *eps)?,
            Operands::Rope {
                x,
                cos,
                sin,
                layout: PairLayout::Half,
            } => rotary_emb::rope(x, cos, sin)?,
            Operands::Rope {
                x,
                cos,
                sin,
                layout: PairLayout::Interleaved,
            } => rotary_emb::rope_i(x, cos, sin)?,
            Operands::SwiGlu { gate, up } => (ops::silu(gate)? * up)?,
            Operands::Attention { q, k, v, scale } => {
                let scores = (q.matmul(&k.t()?)? * *scale)?;
                ops::softmax_last_dim(&scores)?.matmul(v)?
            }
            Operands::Lora {
                base,
                x,
                lora_a,
                lora_b,
            } => (base + x.matmul(&lora_a.t()?)?.matmul(&lora_b.t()?)?)?,
        })
    }

    /// Runs the operators once and gives the output in the workload's layout.
    ///
    /// # Errors
    ///
    /// When candle refuses the tensors.
    pub fn output(&self) -> Result<Vec<f32>> {
        let y = self.run()?;
        let y = match &self.operands {
            Operands::Rope { .. } => y.transpose(1, 2)?,
            _ => y,
        };
        Ok(y.flatten_all()?.to_vec1()?)
    }
}

fn rope(shape: RopeShape, layout: PairLayout, x: &[f32], freqs: &[f32]) -> Result<Operands> {
    let RopeShape {
        batch,
        seq,
        heads,
        dim,
        half,
    } = shape;
    let x = tensor(x, (batch, seq, heads, dim))?;
    let freqs = tensor(freqs, (seq, 2, half))?;
    let row = |index| freqs.narrow(1, index, 1)?.squeeze(1)?.contiguous();
    Ok(Operands::Rope {
        x: x.transpose(1, 2)?.contiguous()?,
        cos: row(0)?,
        sin: row(1)?,
        layout,
    })
}

/// Of one query, which sees all keys.
fn attention(shape: AttentionShape, q: &[f32], k: &[f32], v: &[f32]) -> Result<Operands> {
    let AttentionShape {
        q_seq,
        kv_seq,
        heads,
        kv_heads,
        dim,
    } = shape;
    ensure!(q_seq == 1, "the composition has no mask");
    let of_kv = |elements| {
        tensor(elements, (kv_seq, kv_heads, dim))?
            .transpose(0, 1)?
            .contiguous()
    };
    let dim_as_number = f64::from(u16::try_from(dim)?);
    Ok(Operands::Attention {
        q: tensor(q, (kv_heads, heads / kv_heads, dim))?,
        k: of_kv(k)?,
        v: of_kv(v)?,
        scale: 1.0 / dim_as_number.sqrt(),
    })
}

fn tensor(elements: &[f32], shape: impl Into<candle_core::Shape>) -> candle_core::Result<Tensor> {
    Tensor::from_slice(elements, shape.into(), &Device::Cpu)
}

/// candle has threads of its own for long tensors, as many as the environment says; for the rest it
/// spreads its work over the rayon pool of the thread that calls it. A pool that consists of that
/// thread alone runs everything on it, and hands nothing over to another.
fn stay_on_this_thread() -> Result<()> {
    thread_local! {
        static ALONE: OnceCell<ThreadPool> = const { OnceCell::new() };
    }
    ensure!(
        env::var(THREADS).is_ok_and(|threads| threads == "1"),
        "candle may start threads; cargo sets this to 1 in the workspace: `{THREADS}`"
    );
    ALONE.with(|alone| {
        if alone.get().is_none() {
            let builder = ThreadPoolBuilder::new().num_threads(1);
            let pool = builder.use_current_thread().build()?;
            alone.get_or_init(|| pool);
        }
        Ok(())
    })
}

const THREADS: &str = "CANDLE_NUM_THREADS";
