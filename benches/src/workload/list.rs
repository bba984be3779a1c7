//! Which calls are measured, and at which sizes.

use half::{bf16, f16};
use kpack::{DataType, Tensor};
use kpack_reference::{PairLayout, native};

use super::Workload;
use crate::inputs::Inputs;
use crate::operator::Blocks;

/// Every kernel at Llama-like sizes: one token, a short prompt, a long one.
#[must_use]
pub fn all() -> Vec<Workload> {
    let mut all = Vec::new();
    all.extend([1, 32, 512].map(|rows| rmsnorm(rows, 4096)));
    for layout in LAYOUTS {
        all.extend([1, 32, 512].map(|seq| rope(seq, layout)));
    }
    all.extend([1, 32, 512].map(rope_freqs));
    // At 512 rows the times differ from process to process, whoever computes.
    all.extend([1, 32].map(|rows| swiglu(rows, 11_008)));
    all.push(attention(1024));
    all.extend([1, 32].map(lora));
    for rows in [4, 1024] {
        all.extend([kv_pack(Blocks::Q8, rows), kv_pack(Blocks::Q4, rows)]);
        all.extend([kv_unpack(Blocks::Q8, rows), kv_unpack(Blocks::Q4, rows)]);
    }
    all
}

/// Every kernel at its middle size.
#[must_use]
pub fn middle() -> Vec<Workload> {
    let [half, interleaved] = LAYOUTS.map(|layout| rope(32, layout));
    vec![
        rmsnorm(32, 4096),
        half,
        interleaved,
        rope_freqs(32),
        swiglu(32, 11_008),
    ]
}

/// Kernels in half precision, each at the size of one in `f32` among [`all`], and what that is in.
#[must_use]
pub fn halves() -> Vec<Workload> {
    let [half, _] = LAYOUTS.map(|layout| rope(32, layout));
    let of_f32 = [rmsnorm(32, 4096), half, swiglu(32, 11_008)];
    let f16s = of_f32.iter().map(|of_f32| halved(of_f32, DataType::F16));
    let bf16s = of_f32.iter().map(|of_f32| halved(of_f32, DataType::Bf16));
    f16s.chain(bf16s).collect()
}

/// The same call in half precision; tables of angles stay as they are.
fn halved(of_f32: &Workload, dtype: DataType) -> Workload {
    let narrow = |tensor: &Tensor| {
        let values = tensor.as_slice::<f32>().expect("the tensor is f32").iter();
        match dtype {
            DataType::F16 => {
                Tensor::new(tensor.shape(), values.map(|&x| f16::from_f32(x)).collect())
            }
            _ => Tensor::new(tensor.shape(), values.map(|&x| bf16::from_f32(x)).collect()),
        }
        .expect("as many values as before")
    };
    let inputs = of_f32.inputs.iter();
    Workload {
        kernel: half_kernel(of_f32.kernel, dtype),
        inputs: inputs
            .map(|(name, tensor)| match *name {
                "freqs" => (*name, tensor.clone()),
                name => (name, narrow(tensor)),
            })
            .collect(),
        output: dtype,
        ..of_f32.clone()
    }
}

fn half_kernel(of_f32: &str, dtype: DataType) -> &'static str {
    match (of_f32, dtype) {
        ("rmsnorm_f32", DataType::F16) => "rmsnorm_f16",
        ("rmsnorm_f32", _) => "rmsnorm_bf16",
        ("rope_f32", DataType::F16) => "rope_f16",
        ("rope_f32", _) => "rope_bf16",
        (_, DataType::F16) => "swiglu_f16",
        _ => "swiglu_bf16",
    }
}

const LAYOUTS: [PairLayout; 2] = [PairLayout::Half, PairLayout::Interleaved];

fn rmsnorm(rows: usize, hidden: usize) -> Workload {
    let mut inputs = Inputs::default();
    Workload {
        kernel: "rmsnorm_f32",
        size: format!("{rows} x {hidden}"),
        inputs: vec![
            ("x", tensor(&[rows, hidden], &mut inputs)),
            ("weight", tensor(&[hidden], &mut inputs)),
        ],
        params: Vec::new(),
        output_elements: rows * hidden,
        output: DataType::F32,
    }
}

fn rope(seq: usize, layout: PairLayout) -> Workload {
    let (heads, dim) = (32, 128);
    let (name, interleaved) = match layout {
        PairLayout::Half => ("half", false),
        PairLayout::Interleaved => ("interleaved", true),
    };
    let mut inputs = Inputs::default();
    Workload {
        kernel: "rope_f32",
        size: format!("{seq} x {heads} x {dim} {name}"),
        inputs: vec![
            ("x", tensor(&[1, seq, heads, dim], &mut inputs)),
            ("freqs", tensor(&[seq, 2, dim / 2], &mut inputs)),
        ],
        params: vec![("interleaved", interleaved.into())],
        output_elements: seq * heads * dim,
        output: DataType::F32,
    }
}

/// Pairs of a head of 128.
const HALF: usize = 64;

fn rope_freqs(seq: usize) -> Workload {
    let positions = (0..i32::try_from(seq).expect("a few hundred positions")).collect();
    Workload {
        kernel: "rope_freqs_f32",
        size: format!("{seq} x 64"),
        inputs: vec![(
            "positions",
            Tensor::new(&[seq], positions).expect("one dimension"),
        )],
        params: vec![("half", 64.into())],
        output_elements: seq * 2 * HALF,
        output: DataType::F32,
    }
}

fn swiglu(rows: usize, width: usize) -> Workload {
    let mut inputs = Inputs::default();
    Workload {
        kernel: "swiglu_f32",
        size: format!("{rows} x {width}"),
        inputs: vec![
            ("gate", tensor(&[rows, width], &mut inputs)),
            ("up", tensor(&[rows, width], &mut inputs)),
        ],
        params: Vec::new(),
        output_elements: rows * width,
        output: DataType::F32,
    }
}

/// One token after as many others, with the heads of Llama 3 8B.
fn attention(kv_seq: usize) -> Workload {
    let (heads, kv_heads, dim) = (32, 8, 128);
    let mut inputs = Inputs::default();
    Workload {
        kernel: "attention_f32",
        size: format!("1 of {kv_seq} x {heads} x {dim}"),
        inputs: vec![
            ("q", tensor(&[1, heads, dim], &mut inputs)),
            ("k", tensor(&[kv_seq, kv_heads, dim], &mut inputs)),
            ("v", tensor(&[kv_seq, kv_heads, dim], &mut inputs)),
        ],
        params: Vec::new(),
        output_elements: heads * dim,
        output: DataType::F32,
    }
}

fn lora(rows: usize) -> Workload {
    let (width, rank) = (4096, 16);
    let mut inputs = Inputs::default();
    Workload {
        kernel: "lora_apply_f32",
        size: format!("{rows} x {width} x {width}, rank {rank}"),
        inputs: vec![
            ("base", tensor(&[rows, width], &mut inputs)),
            ("x", tensor(&[rows, width], &mut inputs)),
            ("lora_a", tensor(&[rank, width], &mut inputs)),
            ("lora_b", tensor(&[width, rank], &mut inputs)),
        ],
        params: Vec::new(),
        output_elements: rows * width,
        output: DataType::F32,
    }
}

/// Elements of all keys of a token.
const DIM: usize = 4096;

fn kv_pack(blocks: Blocks, rows: usize) -> Workload {
    Workload {
        kernel: match blocks {
            Blocks::Q8 => "kv_pack_q8",
            Blocks::Q4 => "kv_pack_q4",
        },
        size: format!("{rows} x {DIM}"),
        inputs: vec![("x", tensor(&[rows, DIM], &mut Inputs::default()))],
        params: Vec::new(),
        output_elements: rows * DIM,
        output: blocks.dtype(),
    }
}

fn kv_unpack(blocks: Blocks, rows: usize) -> Workload {
    let x = Inputs::default().f32s(rows * DIM);
    let mut packed = vec![0; x.len() / 32 * blocks.bytes()];
    match blocks {
        Blocks::Q8 => native::kv_pack_q8(&x, &mut packed),
        Blocks::Q4 => native::kv_pack_q4(&x, &mut packed),
    }
    let packed = Tensor::from_bytes(blocks.dtype(), &[rows, DIM], &packed);
    Workload {
        kernel: match blocks {
            Blocks::Q8 => "kv_unpack_q8",
            Blocks::Q4 => "kv_unpack_q4",
        },
        size: format!("{rows} x {DIM}"),
        inputs: vec![("blocks", packed.expect("the blocks are whole"))],
        params: Vec::new(),
        output_elements: rows * DIM,
        output: DataType::F32,
    }
}

fn tensor(shape: &[usize], inputs: &mut Inputs) -> Tensor {
    let count = shape.iter().product();
    Tensor::new(shape, inputs.f32s(count)).expect("as many values as the shape has elements")
}
