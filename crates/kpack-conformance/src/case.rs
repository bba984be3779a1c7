use kpack::Deviation;

use crate::calls::Step;
use crate::rope::RopeCase;
use crate::{Failure, Harness};

/// A golden case: one or more kernel calls with expected results.
#[derive(Debug, Clone)]
pub struct Case {
    /// The name in the index, such as `rms_llama_3x17_eps1e-06`.
    pub name: String,
    pub(crate) op: Op,
}

#[derive(Debug, Clone)]
pub(crate) enum Op {
    /// Calls that do not depend on one another.
    Calls(Vec<Step>),
    Rope(RopeCase),
}

/// What a case that passed has shown: for each kernel the largest deviation.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    deviations: Vec<(&'static str, Deviation)>,
}

impl Case {
    /// The kernels that the case calls; it is about the first.
    #[must_use]
    pub fn kernels(&self) -> Vec<&'static str> {
        match &self.op {
            Op::Calls(steps) => steps.iter().map(|step| step.call.kernel).collect(),
            Op::Rope(case) => case.kernels(),
        }
    }

    /// Carries the case out.
    ///
    /// # Errors
    ///
    /// The first call that fails, or the first result that is off by more than the case tolerates.
    pub fn run(&self, harness: &mut dyn Harness) -> Result<Outcome, Failure> {
        let mut outcome = Outcome::default();
        match &self.op {
            Op::Calls(steps) => {
                for step in steps {
                    step.run(harness, &mut outcome)?;
                }
            }
            Op::Rope(case) => case.run(harness, &mut outcome)?,
        }
        Ok(outcome)
    }
}

impl Outcome {
    /// The kernels whose results were compared, each with its largest deviation.
    #[must_use]
    pub fn deviations(&self) -> &[(&'static str, Deviation)] {
        &self.deviations
    }

    pub(crate) fn add(&mut self, kernel: &'static str, deviation: Deviation) {
        match self
            .deviations
            .iter_mut()
            .find(|(known, _)| *known == kernel)
        {
            Some((_, known)) => *known = known.max(deviation),
            None => self.deviations.push((kernel, deviation)),
        }
    }
}
