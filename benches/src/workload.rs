//! The calls that are measured.

use kpack::{BoundKernel, CallError, Kernel, ParamValue, Tensor};
use kpack_reference::{PairLayout, RopeShape};

use crate::inputs::Inputs;
use crate::operator::Operator;

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
        u64::try_from(inputs + self.output_elements * 4).expect("a workload fits memory")
    }

    /// The kernel and the size, such as `rmsnorm_f32, 32 x 4096`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}, {}", self.kernel, self.size)
    }

    /// What the call computes, with its inputs as slices.
    ///
    /// # Panics
    ///
    /// If the workload is of no known kernel.
    #[must_use]
    pub fn operator(&self) -> Operator<'_> {
        let inputs: Vec<&Tensor> = self.inputs.iter().map(|(_, tensor)| tensor).collect();
        match (self.kernel, &*inputs) {
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
                half: HALF,
                theta: 10_000.0,
            },
            ("swiglu_f32", [gate, up]) => Operator::SwiGlu {
                gate: f32s(gate),
                up: f32s(up),
            },
            (other, _) => panic!("what does the kernel compute: `{other}`"),
        }
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
    }
}

fn tensor(shape: &[usize], inputs: &mut Inputs) -> Tensor {
    let count = shape.iter().product();
    Tensor::new(shape, inputs.f32s(count)).expect("as many values as the shape has elements")
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

fn f32s(tensor: &Tensor) -> &[f32] {
    tensor.as_slice().expect("the tensor is f32")
}
