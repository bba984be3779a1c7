//! What keeping deadlines costs, measured in turns.
//!
//! The bench `deadline` measures calls with and without checks one after the other, and on a machine
//! that others use as well the difference of the two is mostly theirs. Here short batches of both
//! alternate, and each is compared with its neighbour only.

use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::measure::{calls_per_batch, ns_per_call};
use crate::series::{Engine, Series};
use crate::workload::Workload;

/// Shorter than what a thread gets of a busy processor at a time, so that most batches are not
/// interrupted, and much longer than what reading the clock takes.
const BATCH: Duration = Duration::from_micros(400);

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

/// How long to measure.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Fresh instances of each side: where a memory happens to lie makes a difference of its own.
    pub instances: usize,
    /// Pairs of batches for each of them.
    pub pairs: usize,
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
    let mut pairs = Vec::with_capacity(effort.instances * effort.pairs);
    for _ in 0..effort.instances {
        let prepare = |engine: &Engine| {
            let call = engine.prepare(workload)?;
            call.context("an engine has every kernel")
        };
        let (mut on, mut off) = (prepare(on)?, prepare(off)?);
        let calls = calls_per_batch(&mut off, BATCH);
        on();
        for pair in 0..effort.pairs {
            // Neither side is always the first.
            pairs.push(if pair % 2 == 0 {
                let off = ns_per_call(&mut off, calls);
                (off, ns_per_call(&mut on, calls))
            } else {
                let on = ns_per_call(&mut on, calls);
                (ns_per_call(&mut off, calls), on)
            });
        }
    }
    Ok(summary(on.name(), workload, &pairs))
}

/// `pairs`: the times without and with checks.
fn summary(engine: &str, workload: &Workload, pairs: &[(f64, f64)]) -> DeadlineCost {
    let sorted = |value: fn(&(f64, f64)) -> f64| {
        let mut values: Vec<f64> = pairs.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let at = |values: &[f64], quarters: usize| values[(values.len() - 1) * quarters / 4];
    let cost = sorted(|(off, on)| 100.0 * (on / off - 1.0));
    DeadlineCost {
        engine: engine.to_owned(),
        kernel: workload.kernel.to_owned(),
        size: workload.size.clone(),
        off_ns: rounded(at(&sorted(|(off, _)| *off), 2)),
        on_ns: rounded(at(&sorted(|(_, on)| *on), 2)),
        percent: rounded(at(&cost, 2)),
        lower_quartile: rounded(at(&cost, 1)),
        upper_quartile: rounded(at(&cost, 3)),
    }
}

fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload;

    #[test]
    fn the_cost_is_that_of_the_middle_pair() {
        let pairs = [
            (100.0, 102.0),
            (200.0, 202.0),
            (100.0, 150.0),
            (100.0, 103.0),
            (50.0, 50.0),
        ];
        let cost = summary("engine", &workload::middle()[0], &pairs);
        assert_eq!((cost.off_ns, cost.on_ns), (100.0, 103.0));
        let quartiles = (cost.lower_quartile, cost.percent, cost.upper_quartile);
        assert_eq!(quartiles, (1.0, 2.0, 3.0));
    }
}
