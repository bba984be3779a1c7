//! What keeping deadlines costs, measured in turns.

use serde::Serialize;

use crate::turns::{Ratio, rounded};
use crate::workload::Workload;

/// The cost of the deadline's checks for one call.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeadlineCost {
    /// The engine.
    pub engine: String,
    /// The kernel.
    pub kernel: String,
    /// The size of the call.
    pub size: String,
    /// The median time of a call without checks, in nanoseconds.
    pub off_ns: f64,
    /// The median time of a call with checks, in nanoseconds.
    pub on_ns: f64,
    /// How much longer a call with checks takes, by the medians.
    pub percent: f64,
    /// In a quarter of the pairs of batches the cost is below this.
    pub lower_quartile: f64,
    /// In a quarter of the pairs of batches the cost is above this.
    pub upper_quartile: f64,
}

impl DeadlineCost {
    /// The cost on an engine, from the times of a call with checks and of the same without.
    pub(crate) fn new(engine: &str, workload: &Workload, measured: &Ratio) -> Self {
        let percent = |ratio: f64| rounded(100.0 * (ratio - 1.0), 2);
        Self {
            engine: engine.to_owned(),
            kernel: workload.kernel.to_owned(),
            size: workload.size.clone(),
            off_ns: measured.other_ns,
            on_ns: measured.one_ns,
            percent: percent(measured.ratio),
            lower_quartile: percent(measured.lower_quartile),
            upper_quartile: percent(measured.upper_quartile),
        }
    }
}
