use kpack::Tensor;

use crate::Expectation;
use crate::case::Outcome;
use crate::golden::{Entry, File, GoldenError};
use crate::harness::{Call, Failure, Harness};

#[derive(Debug, Clone)]
pub(crate) struct SwiGluCase {
    call: Call,
    expected: Expectation,
}

impl SwiGluCase {
    pub(crate) fn read(entry: &Entry, file: &File<'_>) -> Result<Self, GoldenError> {
        let (shape, gate) = file.f32("gate")?;
        let (_, up) = file.f32("up")?;
        let width = *shape
            .last()
            .ok_or_else(|| entry.malformed("gate is a scalar"))?;
        let rows = gate.len() / width;
        let mut expected = Expectation::new(file.f32("expected")?.1, entry.tolerance().plain());
        if entry.has_flag("silu_neg_inf") {
            let minus_infinity = |&index: &usize| gate[index] == f32::NEG_INFINITY;
            expected.nan_or_zero = (0..gate.len()).filter(minus_infinity).collect();
        }
        let tensor = |values| Tensor::new(&[rows, width], values).map_err(|e| entry.malformed(e));
        let inputs = vec![("gate", tensor(gate)?), ("up", tensor(up)?)];
        Ok(Self {
            call: Call {
                kernel: "swiglu_f32",
                inputs,
                params: Vec::new(),
            },
            expected,
        })
    }

    pub(crate) fn run(&self, harness: &mut dyn Harness) -> Result<Outcome, Failure> {
        self.call.run_and_compare(harness, &self.expected)
    }
}
