//! What calls should take, as multiples of each other's times, and what they do take.

use std::fmt;

use anyhow::Result;
use serde::Serialize;

pub use self::contestants::Contestants;
use self::table::Target;
use crate::turns::{Effort, Ratio, rounded};

mod contestants;
pub mod table;

/// A target, and what was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TargetFigure {
    /// What is compared, such as `wasmtime / ceiling`.
    pub comparison: &'static str,
    /// On which call.
    pub what: &'static str,
    /// What must be reached; none where the figure is only of interest.
    pub must: Option<Goal>,
    /// What is aimed at.
    pub aim: Option<Goal>,
    /// The times and their ratio.
    #[serde(flatten)]
    pub ratio: Ratio,
}

/// What a call should take, and whether it does.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Goal {
    /// The ratio that is not to be exceeded.
    pub ratio: f64,
    /// The nanoseconds that the one must not exceed either.
    pub nanoseconds: Option<f64>,
    /// Whether the ratio, to two digits, and the time stay within.
    pub met: bool,
}

impl Goal {
    fn new(ratio: f64, nanoseconds: Option<f64>, measured: &Ratio) -> Self {
        let in_time = nanoseconds.is_none_or(|most| measured.one_ns <= most);
        Self {
            ratio,
            nanoseconds,
            met: in_time && rounded(measured.ratio, 2) <= ratio,
        }
    }
}

/// Measures one target in turns; `None` where there is nothing to compare with: no vectors, or no candle.
///
/// # Errors
///
/// When a call cannot be set up.
pub fn measure(
    target: &Target,
    contestants: &Contestants,
    effort: Effort,
) -> Result<Option<TargetFigure>> {
    let ratio = contestants.compare(target.comparison, target.what, effort)?;
    Ok(ratio.map(|ratio| TargetFigure {
        comparison: target.comparison.name(),
        what: target.what,
        must: target
            .must
            .map(|must| Goal::new(must, target.must_ns, &ratio)),
        aim: target.aim.map(|aim| Goal::new(aim, None, &ratio)),
        ratio,
    }))
}

/// The head of a table whose lines are figures.
pub const HEAD: &str = "\
comparison               on                                     ratio  quartiles         one ns / other ns         must  aim";

impl fmt::Display for TargetFigure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ratio {
            one_ns,
            other_ns,
            ratio,
            lower_quartile,
            upper_quartile,
        } = self.ratio;
        write!(
            f,
            "{:23}  {:36}  {ratio:6.2}  {lower_quartile:6.2} - {upper_quartile:6.2}  {one_ns:10.0} / {other_ns:<10.0}",
            self.comparison, self.what
        )?;
        for goal in [self.must, self.aim].into_iter().flatten() {
            let met = if goal.met { "met" } else { "-" };
            write!(f, "  {:.2} {met:3}", goal.ratio)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload;

    #[test]
    fn every_target_on_a_kernel_names_a_workload() {
        let workloads = workload::all().into_iter().chain(workload::halves());
        let names: Vec<String> = workloads.map(|workload| workload.name()).collect();
        for target in table::all() {
            let kernel = target.what.contains(" x ");
            assert!(
                !kernel || names.iter().any(|name| name == target.what),
                "{target:?}"
            );
        }
    }

    #[test]
    fn a_goal_is_met_to_two_digits_and_in_time() {
        let met = |ratio, one_ns| {
            let measured = Ratio {
                one_ns,
                other_ns: 20.0,
                ratio,
                lower_quartile: ratio,
                upper_quartile: ratio,
            };
            Goal::new(3.0, Some(80.0), &measured).met
        };
        assert!(met(3.004, 60.0));
        assert!(!met(3.006, 60.0));
        assert!(met(1.9, 80.0));
        assert!(!met(1.9, 80.1));
    }
}
