use crate::{Deviation, Failure, Harness, rmsnorm, rope, swiglu};

/// A golden case: one or more kernel calls with expected results.
#[derive(Debug, Clone)]
pub struct Case {
    /// The name in the index, such as `rms_llama_3x17_eps1e-06`.
    pub name: String,
    pub(crate) op: Op,
}

#[derive(Debug, Clone)]
pub(crate) enum Op {
    RmsNorm(rmsnorm::RmsNormCase),
    Rope(rope::RopeCase),
    SwiGlu(swiglu::SwiGluCase),
}

/// What a case that passed has shown: for each kernel the largest deviation.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    deviations: Vec<(&'static str, Deviation)>,
}

impl Case {
    /// The kernel that the case is about.
    #[must_use]
    pub fn kernel(&self) -> &'static str {
        match &self.op {
            Op::RmsNorm(_) => "rmsnorm_f32",
            Op::Rope(_) => "rope_f32",
            Op::SwiGlu(_) => "swiglu_f32",
        }
    }

    /// Carries the case out.
    ///
    /// # Errors
    ///
    /// The first call that fails, or the first result that is off by more than the case tolerates.
    pub fn run(&self, harness: &mut dyn Harness) -> Result<Outcome, Failure> {
        match &self.op {
            Op::RmsNorm(case) => case.run(harness),
            Op::Rope(case) => case.run(harness),
            Op::SwiGlu(case) => case.run(harness),
        }
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
