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
    /// The ratio that must not be exceeded; none where the figure is only of interest.
    pub must: Option<f64>,
    /// The ratio that is aimed at.
    pub aim: Option<f64>,
    /// What the one must not exceed either, in nanoseconds.
    pub must_ns: Option<f64>,
    /// The times and their ratio.
    #[serde(flatten)]
    pub ratio: Ratio,
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
        must: target.goal.map(|goal| goal.must),
        aim: target.goal.map(|goal| goal.aim),
        must_ns: target.must_ns,
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
            let met = if self.meets(goal) { "met" } else { "-" };
            write!(f, "  {goal:.2} {met:3}")?;
        }
        Ok(())
    }
}

impl TargetFigure {
    /// Whether the ratio, to two digits, is at most this, and the time what it must be.
    #[must_use]
    pub fn meets(&self, goal: f64) -> bool {
        let in_time = self.must_ns.is_none_or(|must| self.ratio.one_ns <= must);
        rounded(self.ratio.ratio, 2) <= goal && in_time
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::{self, Workload};

    #[test]
    fn every_target_on_a_kernel_names_a_workload() {
        let names: Vec<String> = workload::all().iter().map(Workload::name).collect();
        for target in table::all() {
            let kernel = target.what.contains("_f32");
            assert!(
                !kernel || names.iter().any(|name| name == target.what),
                "{target:?}"
            );
        }
    }

    #[test]
    fn a_goal_is_met_to_two_digits_and_in_time() {
        let figure = |ratio, one_ns| TargetFigure {
            comparison: "one / other",
            what: "a call",
            must: Some(3.0),
            aim: Some(2.0),
            must_ns: Some(80.0),
            ratio: Ratio {
                one_ns,
                other_ns: 20.0,
                ratio,
                lower_quartile: ratio,
                upper_quartile: ratio,
            },
        };
        let met = |figure: TargetFigure| [3.0, 2.0].map(|goal| figure.meets(goal));
        assert_eq!(met(figure(3.004, 60.0)), [true, false]);
        assert_eq!(met(figure(3.006, 60.0)), [false, false]);
        assert_eq!(met(figure(1.9, 80.0)), [true, true]);
        assert_eq!(met(figure(1.9, 80.1)), [false, false]);
    }
}
