use kpack::Tensor;

use crate::Expectation;
use crate::case::Outcome;
use crate::golden::{Entry, File, GoldenError};
use crate::harness::{Call, Failure, Harness};

const KERNEL: &str = "rmsnorm_f32";

#[derive(Debug, Clone)]
pub(crate) struct RmsNormCase {
    call: Call,
    expected: Expectation,
}

impl RmsNormCase {
    pub(crate) fn read(entry: &Entry, file: &File<'_>) -> Result<Self, GoldenError> {
        let (shape, x) = file.f32("x")?;
        let hidden = *shape
            .last()
            .ok_or_else(|| entry.malformed("x is a scalar"))?;
        let rows = x.len() / hidden;
        let (weight, weight_offset) = match entry.text("weight_mode")? {
            "none" => (vec![1.0; hidden], 0.0),
            "one_plus_w" => (file.f32("weight")?.1, 1.0),
            _ => (file.f32("weight")?.1, 0.0),
        };
        let mut expected = Expectation::new(file.f32("expected")?.1, entry.tolerance().plain());
        if entry.has_flag("framework_differs") {
            expected.alternative = Some(file.f32("framework")?.1);
        }
        let tensor =
            |shape: &[usize], values| Tensor::new(shape, values).map_err(|e| entry.malformed(e));
        let inputs = vec![
            ("x", tensor(&[rows, hidden], x)?),
            ("weight", tensor(&[hidden], weight)?),
        ];
        let params = vec![
            ("eps", entry.number("eps")?.into()),
            ("weight_offset", weight_offset.into()),
        ];
        Ok(Self {
            call: Call {
                kernel: KERNEL,
                inputs,
                params,
            },
            expected,
        })
    }

    pub(crate) fn run(&self, harness: &mut dyn Harness) -> Result<Outcome, Failure> {
        self.call.run_and_compare(harness, &self.expected)
    }
}

impl Call {
    /// Carries out the only call of a case.
    pub(crate) fn run_and_compare(
        &self,
        harness: &mut dyn Harness,
        expected: &Expectation,
    ) -> Result<Outcome, Failure> {
        let found = self.run(harness)?;
        let deviation = expected.compare(&found).map_err(|source| Failure::Result {
            what: self.kernel.to_owned(),
            source,
        })?;
        let mut outcome = Outcome::default();
        outcome.add(self.kernel, deviation);
        Ok(outcome)
    }

    pub(crate) fn run(&self, harness: &mut dyn Harness) -> Result<Tensor, Failure> {
        harness.call(self).map_err(|source| Failure::Call {
            kernel: self.kernel,
            source,
        })
    }
}
