//! The workloads, run by the loops.

use super::Ceiling;
use crate::aligned::Aligned;
use crate::operator::Operator;
use crate::workload::Workload;

/// A workload on tensors of its own, in the places that suit the loops best.
#[derive(Debug)]
pub struct CeilingCall<'a> {
    ceiling: Ceiling,
    operator: Operator<'a>,
    inputs: [Aligned; 2],
    output: Aligned,
}

impl<'a> CeilingCall<'a> {
    /// Copies the workload's inputs; `None` where there is no loop for it.
    ///
    /// # Panics
    ///
    /// If the workload is of no known kernel.
    #[must_use]
    pub fn new(ceiling: Ceiling, workload: &'a Workload) -> Option<Self> {
        let operator = workload.operator();
        let (first, second) = match operator {
            Operator::RmsNorm { x, weight, .. } => (x, weight),
            Operator::Rope { x, freqs, .. } => (x, freqs),
            Operator::SwiGlu { gate, up } => (gate, up),
            Operator::RopeFreqs { .. } => return None,
        };
        let output = vec![0.0; workload.output_elements];
        Some(Self {
            ceiling,
            operator,
            inputs: [Aligned::new(first, 0), Aligned::new(second, 16)],
            output: Aligned::new(&output, 32),
        })
    }

    /// Runs the loop once and gives its output.
    pub fn run(&mut self) -> &[f32] {
        let [first, second] = &self.inputs;
        let (first, second) = (first.as_slice(), second.as_slice());
        let y = self.output.as_mut_slice();
        match self.operator {
            Operator::RmsNorm { eps, .. } => self.ceiling.rmsnorm(first, second, eps, y),
            Operator::Rope { shape, layout, .. } => {
                self.ceiling.rope(shape, layout, first, second, y);
            }
            Operator::SwiGlu { .. } => self.ceiling.swiglu(first, second, y),
            Operator::RopeFreqs { .. } => unreachable!("there is no such call"),
        }
        y
    }

    /// Reads and writes the same tensors without computing anything of use.
    pub fn traffic(&mut self) -> &[f32] {
        let [first, second] = &self.inputs;
        let y = self.output.as_mut_slice();
        self.ceiling
            .traffic([first.as_slice(), second.as_slice()], y);
        y
    }
}
