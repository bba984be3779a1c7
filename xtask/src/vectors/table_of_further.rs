//! The vectors of the kernels beyond RoPE, RMSNorm and SwiGLU in `f32`: a line for each.

use std::collections::BTreeMap;

use half::{bf16, f16};
use kpack_reference::{
    AttentionShape, Element, GeluForm, LoraShape, Mask, PairLayout, RopeShape, oracle,
};
use kpack_schema::{Tolerance, ToleranceMode};
use safetensors::Dtype;
use serde_json::json;

use super::made_up::MadeUp;
use super::table::{close, row};
use super::tensor::Tensor;
use super::{Case, Row};

pub(super) const ROWS: &[Row] = &[
    row("rmsnorm", "add_rmsnorm_f32", |made| {
        add_rmsnorm(made, [3, 67])
    }),
    row("rope-half", "rope_f16", |made| {
        rope::<f16>(made, [2, 3, 2, 21, 9])
    }),
    row("rope-half", "rope_bf16", |made| {
        rope::<bf16>(made, [2, 3, 2, 21, 9])
    }),
    row("rmsnorm-half", "rmsnorm_f16", |made| {
        rmsnorm::<f16>(made, [3, 67])
    }),
    row("rmsnorm-half", "rmsnorm_bf16", |made| {
        rmsnorm::<bf16>(made, [3, 67])
    }),
    row("swiglu-half", "swiglu_f16", |made| {
        swiglu::<f16>(made, [3, 67])
    }),
    row("swiglu-half", "swiglu_bf16", |made| {
        swiglu::<bf16>(made, [3, 67])
    }),
    row("layernorm", "layernorm_f16", |made| {
        layernorm::<f16>(made, [3, 67])
    }),
    row("layernorm", "layernorm_f32", |made| {
        layernorm::<f32>(made, [3, 67])
    }),
    row("gelu", "gelu_f32", |made| gelu(made, [3, 67])),
    row("softmax", "softmax_f32", |made| softmax(made, [3, 67])),
    row("kv-cache", "kv_pack_q4", |made| {
        pack(made, oracle::q4_block)
    }),
    row("kv-cache", "kv_pack_q8", |made| {
        pack(made, oracle::q8_block)
    }),
    row("kv-cache", "kv_unpack_q4", |made| {
        unpack(made, oracle::q4_block, oracle::q4_values)
    }),
    row("kv-cache", "kv_unpack_q8", |made| {
        unpack(made, oracle::q8_block, oracle::q8_values)
    }),
    row("rows", "quantize_rows_i8", |made| quantize(made, [3, 67])),
    row("rows", "dequantize_rows_i8", |made| {
        dequantize_i8(made, [3, 67])
    }),
    row("rows", "dequantize_rows_u8", |made| {
        dequantize_u8(made, [3, 67])
    }),
    row("lora", "lora_apply_f16", lora::<f16>),
    row("lora", "lora_apply_f32", lora::<f32>),
    row("attention", "attention_q8", |made| {
        attention(made, [2, 5, 6, 2, 32], Cache::Q8)
    }),
    row("attention", "attention_f32", |made| {
        attention(made, [3, 13, 6, 2, 19], Cache::F32)
    }),
];

/// An element type, as a file and a tolerance have it.
trait Stored: Element {
    const DTYPE: Dtype;
    /// Half of its last place, relative to a number, and twice that for the roundings before.
    const RTOL: f64;
    fn bytes(self) -> Vec<u8>;
}

impl Stored for f32 {
    const DTYPE: Dtype = Dtype::F32;
    const RTOL: f64 = 1e-5;

    fn bytes(self) -> Vec<u8> {
        self.to_le_bytes().to_vec()
    }
}

impl Stored for f16 {
    const DTYPE: Dtype = Dtype::F16;
    const RTOL: f64 = 1e-3;

    fn bytes(self) -> Vec<u8> {
        self.to_le_bytes().to_vec()
    }
}

impl Stored for bf16 {
    const DTYPE: Dtype = Dtype::BF16;
    const RTOL: f64 = 8e-3;

    fn bytes(self) -> Vec<u8> {
        self.to_le_bytes().to_vec()
    }
}

fn narrow<T: Stored>(values: &[f32]) -> Vec<T> {
    values.iter().map(|&value| T::round(value)).collect()
}

fn tensor<T: Stored>(shape: &[usize], values: &[T]) -> Tensor {
    let bytes = values.iter().flat_map(|&value| value.bytes()).collect();
    Tensor::of_bytes(T::DTYPE, shape, bytes)
}

/// What an oracle gives, rounded to the type.
fn rounded<T: Stored>(shape: &[usize], exact: &[f64]) -> Tensor {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the result is of f32 or narrower"
    )]
    let values: Vec<f32> = exact.iter().map(|&value| value as f32).collect();
    tensor(shape, &narrow::<T>(&values))
}

fn case(tolerance: Tolerance, tensors: Vec<(&'static str, Tensor)>) -> Case {
    Case {
        params: BTreeMap::new(),
        tolerance,
        tensors,
    }
}

const EXACT: Tolerance = Tolerance {
    mode: ToleranceMode::Exact,
    rtol: 0.0,
    atol: 0.0,
};

fn add_rmsnorm(made: &mut MadeUp, [rows, hidden]: [usize; 2]) -> Case {
    let (x, residual) = (made.floats(rows * hidden), made.floats(rows * hidden));
    let weight = made.floats(hidden);
    let (y, sum) = oracle::add_rmsnorm(&x, &residual, &weight, 1e-5, 0.0);
    let shape = [rows, hidden];
    let tensors = vec![
        ("x", tensor(&shape, &x)),
        ("residual", tensor(&shape, &residual)),
        ("weight", tensor(&[hidden], &weight)),
        ("y", rounded::<f32>(&shape, &y)),
        ("sum", rounded::<f32>(&shape, &sum)),
    ];
    case(close(4e-6, 0.0), tensors)
}

fn rope<T: Stored>(made: &mut MadeUp, [batch, seq, heads, dim, half]: [usize; 5]) -> Case {
    let shape = RopeShape {
        batch,
        seq,
        heads,
        dim,
        half,
    };
    let x = narrow::<T>(&made.floats(shape.elements()));
    let freqs = made.floats(shape.table_elements());
    let y = oracle::rope(shape, PairLayout::Half, &x, &freqs);
    let tensors = vec![
        ("x", tensor(&[batch, seq, heads, dim], &x)),
        ("freqs", tensor(&[seq, 2, half], &freqs)),
        ("y", rounded::<T>(&[batch, seq, heads, dim], &y)),
    ];
    case(close(T::RTOL, 1e-6), tensors)
}

fn rmsnorm<T: Stored>(made: &mut MadeUp, [rows, hidden]: [usize; 2]) -> Case {
    let x = narrow::<T>(&made.floats(rows * hidden));
    let weight = narrow::<T>(&made.floats(hidden));
    let y = oracle::rmsnorm(&x, &weight, 1e-5, 0.0);
    let tensors = vec![
        ("x", tensor(&[rows, hidden], &x)),
        ("weight", tensor(&[hidden], &weight)),
        ("y", rounded::<T>(&[rows, hidden], &y)),
    ];
    case(close(T::RTOL, 1e-7), tensors)
}

fn swiglu<T: Stored>(made: &mut MadeUp, shape: [usize; 2]) -> Case {
    let count = shape.iter().product();
    let (gate, up) = (
        narrow::<T>(&made.floats(count)),
        narrow::<T>(&made.floats(count)),
    );
    let y = oracle::swiglu(&gate, &up);
    let tensors = vec![
        ("gate", tensor(&shape, &gate)),
        ("up", tensor(&shape, &up)),
        ("y", rounded::<T>(&shape, &y)),
    ];
    case(close(T::RTOL, 1e-7), tensors)
}

fn layernorm<T: Stored>(made: &mut MadeUp, [rows, hidden]: [usize; 2]) -> Case {
    let x = narrow::<T>(&made.floats(rows * hidden));
    let (weight, bias) = (
        narrow::<T>(&made.floats(hidden)),
        narrow::<T>(&made.floats(hidden)),
    );
    let y = oracle::layernorm(&x, &weight, &bias, 1e-5);
    let tensors = vec![
        ("x", tensor(&[rows, hidden], &x)),
        ("weight", tensor(&[hidden], &weight)),
        ("bias", tensor(&[hidden], &bias)),
        ("y", rounded::<T>(&[rows, hidden], &y)),
    ];
    case(close(T::RTOL, 4e-6), tensors)
}

fn gelu(made: &mut MadeUp, shape: [usize; 2]) -> Case {
    let x: Vec<f32> = made.floats(shape.iter().product());
    let x: Vec<f32> = x.into_iter().map(|x| 4.0 * x).collect();
    let y = oracle::gelu(&x, GeluForm::Erf);
    let tensors = vec![("x", tensor(&shape, &x)), ("y", rounded::<f32>(&shape, &y))];
    case(close(3e-6, 1e-7), tensors)
}

fn softmax(made: &mut MadeUp, shape: [usize; 2]) -> Case {
    let x: Vec<f32> = made.floats(shape.iter().product());
    let x: Vec<f32> = x.into_iter().map(|x| 10.0 * x).collect();
    let y = oracle::softmax(&x, shape[1]);
    let tensors = vec![("x", tensor(&shape, &x)), ("y", rounded::<f32>(&shape, &y))];
    case(close(6e-6, 1e-37), tensors)
}

/// Rows of blocks, and the elements that they were packed from.
fn blocks<const N: usize>(
    made: &mut MadeUp,
    shape: [usize; 2],
    block: fn(&[f32; 32]) -> [u8; N],
) -> (Vec<f32>, Vec<[u8; N]>) {
    let x = made.floats(shape.iter().product());
    let (chunks, _) = x.as_chunks::<32>();
    let blocks = chunks.iter().map(block).collect();
    (x, blocks)
}

/// Blocks stand in a file as bytes, with their number along the last dimension.
fn bytes<const N: usize>(shape: &[usize], blocks: &[[u8; N]]) -> Tensor {
    let mut shape = shape.to_vec();
    if let Some(last) = shape.last_mut() {
        *last = *last / 32 * N;
    }
    Tensor::of_bytes(Dtype::U8, &shape, blocks.as_flattened().to_vec())
}

fn pack<const N: usize>(made: &mut MadeUp, block: fn(&[f32; 32]) -> [u8; N]) -> Case {
    let (x, blocks) = blocks(made, [3, 96], block);
    let tensors = vec![
        ("x", tensor(&[3, 96], &x)),
        ("blocks", bytes(&[3, 96], &blocks)),
    ];
    case(EXACT, tensors)
}

fn unpack<const N: usize>(
    made: &mut MadeUp,
    block: fn(&[f32; 32]) -> [u8; N],
    values: fn(&[u8; N]) -> [f64; 32],
) -> Case {
    let (_, blocks) = blocks(made, [3, 96], block);
    let y: Vec<f64> = blocks.iter().flat_map(values).collect();
    let tensors = vec![
        ("blocks", bytes(&[3, 96], &blocks)),
        ("y", rounded::<f32>(&[3, 96], &y)),
    ];
    case(EXACT, tensors)
}

fn integers(shape: &[usize], q: &[i8]) -> Tensor {
    Tensor::of_bytes(
        Dtype::I8,
        shape,
        q.iter().map(|q| q.cast_unsigned()).collect(),
    )
}

fn quantize(made: &mut MadeUp, [rows, width]: [usize; 2]) -> Case {
    let x = made.floats(rows * width);
    let (q, scale) = oracle::quantize_rows_i8(&x, width);
    let tensors = vec![
        ("x", tensor(&[rows, width], &x)),
        ("q", integers(&[rows, width], &q)),
        ("scale", tensor(&[rows], &scale)),
    ];
    case(EXACT, tensors)
}

fn dequantize_i8(made: &mut MadeUp, [rows, width]: [usize; 2]) -> Case {
    let (q, scale) = oracle::quantize_rows_i8(&made.floats(rows * width), width);
    let y = oracle::dequantize_rows_i8(&q, &scale);
    let tensors = vec![
        ("q", integers(&[rows, width], &q)),
        ("scale", tensor(&[rows], &scale)),
        ("y", rounded::<f32>(&[rows, width], &y)),
    ];
    case(EXACT, tensors)
}

fn dequantize_u8(made: &mut MadeUp, [rows, width]: [usize; 2]) -> Case {
    let (q, scale) = oracle::quantize_rows_i8(&made.floats(rows * width), width);
    let q: Vec<u8> = q.into_iter().map(i8::cast_unsigned).collect();
    let zero_point: Vec<f32> = (0..rows)
        .map(|row| if row % 2 == 0 { 128.0 } else { 3.0 })
        .collect();
    let y = oracle::dequantize_rows_u8(&q, &scale, &zero_point);
    let tensors = vec![
        ("q", Tensor::of_bytes(Dtype::U8, &[rows, width], q)),
        ("scale", tensor(&[rows], &scale)),
        ("zero_point", tensor(&[rows], &zero_point)),
        ("y", rounded::<f32>(&[rows, width], &y)),
    ];
    case(EXACT, tensors)
}

fn lora<T: Stored>(made: &mut MadeUp) -> Case {
    let shape = LoraShape {
        rows: 3,
        inputs: 35,
        outputs: 21,
        rank: 5,
    };
    let LoraShape {
        rows,
        inputs,
        outputs,
        rank,
    } = shape;
    let base = narrow::<T>(&made.floats(rows * outputs));
    let x = narrow::<T>(&made.floats(rows * inputs));
    let (a, b) = (
        narrow::<T>(&made.floats(rank * inputs)),
        narrow::<T>(&made.floats(outputs * rank)),
    );
    let y = oracle::lora_apply(shape, &base, &x, &a, &b, 2.0);
    let tensors = vec![
        ("base", tensor(&[rows, outputs], &base)),
        ("x", tensor(&[rows, inputs], &x)),
        ("lora_a", tensor(&[rank, inputs], &a)),
        ("lora_b", tensor(&[outputs, rank], &b)),
        ("y", rounded::<T>(&[rows, outputs], &y)),
    ];
    Case {
        params: BTreeMap::from([("scale", json!(2.0))]),
        ..case(close(T::RTOL, 1e-5), tensors)
    }
}

#[derive(Clone, Copy)]
enum Cache {
    F32,
    Q8,
}

fn attention(
    made: &mut MadeUp,
    [q_seq, kv_seq, heads, kv_heads, dim]: [usize; 5],
    cache: Cache,
) -> Case {
    let shape = AttentionShape {
        q_seq,
        kv_seq,
        heads,
        kv_heads,
        dim,
    };
    let keys = [kv_seq, kv_heads, dim];
    let q = made.floats(shape.query_elements());
    let mut stored = || match cache {
        Cache::F32 => {
            let values = made.floats(shape.key_elements());
            (tensor(&keys, &values), values)
        }
        Cache::Q8 => {
            let (_, blocks) = blocks(made, [kv_seq, kv_heads * dim], oracle::q8_block);
            let values = blocks.iter().flat_map(oracle::q8_values);
            #[expect(clippy::cast_possible_truncation, reason = "exact: 11 bits times 8")]
            let values = values.map(|value| value as f32).collect();
            (bytes(&keys, &blocks), values)
        }
    };
    let ((k, k_values), (v, v_values)) = (stored(), stored());
    let y = oracle::attention(shape, Mask::Causal, 0.0, &q, &k_values, &v_values);
    let tensors = vec![
        ("q", tensor(&[q_seq, heads, dim], &q)),
        ("k", k),
        ("v", v),
        ("y", rounded::<f32>(&[q_seq, heads, dim], &y)),
    ];
    case(close(1e-5, 2e-6), tensors)
}
