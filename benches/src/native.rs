//! The same calls as plain Rust loops.

use kpack::{ParamValue, Tensor};
use kpack_reference::{PairLayout, RopeShape, native};

use crate::workload::Workload;

/// A workload with an output of its own, run natively.
#[derive(Debug)]
pub struct NativeCall<'a> {
    workload: &'a Workload,
    output: Vec<f32>,
}

impl<'a> NativeCall<'a> {
    /// Prepares the workload's output.
    #[must_use]
    pub fn new(workload: &'a Workload) -> Self {
        Self {
            workload,
            output: vec![0.0; workload.output_elements],
        }
    }

    /// Runs the loop once and gives its output.
    ///
    /// # Panics
    ///
    /// If the workload is of no known kernel.
    pub fn run(&mut self) -> &[f32] {
        let (first, second) = (self.input(0), self.input(1));
        let y = &mut self.output;
        match (self.workload.kernel, first, second) {
            ("rmsnorm_f32", Some(x), Some(weight)) => {
                native::rmsnorm(f32s(x), f32s(weight), 1e-5, 0.0, y);
            }
            ("swiglu_f32", Some(gate), Some(up)) => native::swiglu(f32s(gate), f32s(up), y),
            ("rope_f32", Some(x), Some(freqs)) => {
                let layout = match self.workload.params[0].1 {
                    ParamValue::Bool(true) => PairLayout::Interleaved,
                    _ => PairLayout::Half,
                };
                native::rope(rope_shape(x, freqs), layout, f32s(x), f32s(freqs), y);
            }
            ("rope_freqs_f32", Some(positions), None) => {
                let positions = positions.as_slice::<i32>().expect("positions are i32");
                native::rope_freqs(positions, 64, 10_000.0, y);
            }
            (other, ..) => panic!("no native loop for {other}"),
        }
        y
    }

    fn input(&self, index: usize) -> Option<&'a Tensor> {
        self.workload.inputs.get(index).map(|(_, tensor)| tensor)
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

fn f32s(tensor: &Tensor) -> &[f32] {
    tensor.as_slice().expect("the tensor is f32")
}
