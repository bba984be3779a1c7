//! What keeping deadlines costs, measured in turns.

use anyhow::Result;
use serde::Serialize;

use crate::series::{Engine, Series};
use crate::turns::{Effort, by_turns, rounded};
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
    /// How much longer a call with checks takes: the median over all pairs of batches.
    pub percent: f64,
    /// A quarter of the pairs is below this.
    pub lower_quartile: f64,
    /// A quarter of the pairs is above this.
    pub upper_quartile: f64,
}

/// Measures one call on an engine with checks and on the same without.
///
/// # Errors
///
/// When the kernel does not run.
pub fn measure(
    on: &Engine,
    off: &Engine,
    workload: &Workload,
    effort: Effort,
) -> Result<DeadlineCost> {
    let ratio = by_turns(
        &mut || on.ready(workload),
        &mut || off.ready(workload),
        effort,
    )?;
    let percent = |ratio: f64| rounded(100.0 * (ratio - 1.0), 2);
    Ok(DeadlineCost {
        engine: on.name().to_owned(),
        kernel: workload.kernel.to_owned(),
        size: workload.size.clone(),
        off_ns: ratio.other_ns,
        on_ns: ratio.one_ns,
        percent: percent(ratio.ratio),
        lower_quartile: percent(ratio.lower_quartile),
        upper_quartile: percent(ratio.upper_quartile),
    })
}
