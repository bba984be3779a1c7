//! The same calls as plain Rust loops.

use kpack_reference::native;

use crate::operator::Operator;
use crate::workload::Workload;

/// A workload with an output of its own, run natively.
#[derive(Debug)]
pub struct NativeCall<'a> {
    operator: Operator<'a>,
    output: Vec<f32>,
}

impl<'a> NativeCall<'a> {
    /// Prepares the workload's output.
    ///
    /// # Panics
    ///
    /// If the workload is of no known kernel.
    #[must_use]
    pub fn new(workload: &'a Workload) -> Self {
        Self {
            operator: workload.operator(),
            output: vec![0.0; workload.output_elements],
        }
    }

    /// Runs the loop once and gives its output.
    pub fn run(&mut self) -> &[f32] {
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
        }
        y
    }
}
