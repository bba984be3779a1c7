use kpack::Tensor;

use crate::Expectation;
use crate::case::Outcome;
use crate::harness::{Call, Failure, Harness, Results};

/// A kernel call with what its outputs must be.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) call: Call,
    /// By the outputs' manifest names.
    pub(crate) expected: Vec<(&'static str, Expectation)>,
}

impl Step {
    pub(crate) fn run(
        &self,
        harness: &mut dyn Harness,
        outcome: &mut Outcome,
    ) -> Result<(), Failure> {
        let results = self.call.run(harness)?;
        for (name, expected) in &self.expected {
            let found = self.call.output(&results, name)?;
            let what = || format!("{} of {}", name, self.call.kernel);
            outcome.add(self.call.kernel, expected.judge(found, what)?);
        }
        Ok(())
    }
}

impl Call {
    pub(crate) fn run(&self, harness: &mut dyn Harness) -> Result<Results, Failure> {
        harness.call(self).map_err(|source| Failure::Call {
            kernel: self.kernel,
            source,
        })
    }

    /// The output of this name among a call's results.
    pub(crate) fn output<'a>(
        &self,
        results: &'a Results,
        name: &str,
    ) -> Result<&'a Tensor, Failure> {
        let found = results.iter().find(|(output, _)| output == name);
        found
            .map(|(_, tensor)| tensor)
            .ok_or_else(|| Failure::Call {
                kernel: self.kernel,
                source: format!("no output of this name: `{name}`").into(),
            })
    }
}
