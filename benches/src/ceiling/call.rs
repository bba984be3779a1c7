//! The workloads, run by the loops.

use super::Ceiling;
use crate::aligned::Arena;
use crate::operator::Operator;
use crate::workload::Workload;

/// A workload on tensors of its own, in one memory as a kernel's are, in the places that suit the loops
/// best.
#[derive(Debug)]
pub struct CeilingCall<'a> {
    ceiling: Ceiling,
    operator: Operator<'a>,
    /// Both inputs and the output.
    memory: Arena<3>,
}

impl<'a> CeilingCall<'a> {
    /// Copies the workload's inputs; `None` where there is no loop for it.
    #[must_use]
    pub fn new(ceiling: Ceiling, workload: &'a Workload) -> Option<Self> {
        let operator = workload.operator()?;
        let (first, second) = match operator {
            Operator::RmsNorm { x, weight, .. } => (x, weight),
            Operator::Rope { x, freqs, .. } => (x, freqs),
            Operator::SwiGlu { gate, up } => (gate, up),
            _ => return None,
        };
        let mut memory = Arena::new([
            (first.len(), 0),
            (second.len(), 16),
            (workload.output_elements, 32),
        ]);
        let [own_first, own_second, _] = memory.tensors();
        own_first.copy_from_slice(first);
        own_second.copy_from_slice(second);
        Some(Self {
            ceiling,
            operator,
            memory,
        })
    }

    /// Runs the loop once and gives its output.
    pub fn run(&mut self) -> &[f32] {
        let [first, second, y] = self.memory.tensors();
        match self.operator {
            Operator::RmsNorm { eps, .. } => self.ceiling.rmsnorm(first, second, eps, y),
            Operator::Rope { shape, layout, .. } => {
                self.ceiling.rope(shape, layout, first, second, y);
            }
            Operator::SwiGlu { .. } => self.ceiling.swiglu(first, second, y),
            _ => unreachable!("there is no such call"),
        }
        y
    }

    /// Reads and writes the same tensors without computing anything of use.
    pub fn traffic(&mut self) -> &[f32] {
        let [first, second, y] = self.memory.tensors();
        self.ceiling.traffic([first, second], y);
        y
    }
}
