//! The figures that criterion does not measure, as one JSON document.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use kpack::Runtime;
use kpack_conformance::runtimes;
use serde::Serialize;

use crate::deadline_cost::DeadlineCost;
use crate::latency::{self, ENDLESS, Latency};
use crate::machine::{Machine, look};
use crate::raw::runtimes_without_deadlines;
use crate::series::{Engine, Series};
use crate::swap_latency::{self, SwapLatency};
use crate::targets::table::{self, Comparison};
use crate::targets::{self, Contestants, TargetFigure};
use crate::turns::{self, by_turns};
use crate::workload;

/// What `cargo xtask bench-report` reads beside criterion's results.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// What they were measured on.
    pub machine: Machine,
    /// What deadlines cost, for each engine and kernel.
    pub deadline_cost: Vec<DeadlineCost>,
    /// The time from the deadline to the return, for each engine and endless kernel.
    pub deadline_latency: Vec<Latency>,
    /// What calls notice of swaps.
    pub swap_latency: SwapLatency,
    /// How far the targets are reached.
    pub targets: Vec<TargetFigure>,
}

/// How long to measure.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// For each pair of calls that is measured in turns.
    pub turns: turns::Effort,
    /// Calls of each endless kernel.
    pub calls: usize,
    /// For calls with swaps and without.
    pub swaps: swap_latency::Effort,
}

impl Figures {
    /// Measures on every engine; a compile cache is made in the folder.
    ///
    /// # Errors
    ///
    /// When an engine cannot be set up, or a call does not end as it should.
    pub fn measure(effort: Effort, cache: &Path) -> Result<Self> {
        let runtimes = runtimes()?;
        let targets = targets(cache, effort.turns)?;
        Ok(Self {
            machine: look(&runtimes)?,
            deadline_cost: costs(&runtimes, &targets, effort.turns)?,
            deadline_latency: latencies(&runtimes, effort.calls)?,
            swap_latency: swap_latency::measure(effort.swaps)?,
            targets,
        })
    }

    /// Writes them to a file, whose folder is made if need be.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn write(&self, file: &Path) -> Result<()> {
        let text = format!("{}\n", serde_json::to_string_pretty(self)?);
        let folder = file.parent().context("a file stands in a folder")?;
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(file, text))
            .with_context(|| format!("cannot write: `{}`", file.display()))
    }
}

/// What is among the targets is not measured again, so that no page holds two figures for one thing.
fn costs(
    runtimes: &[Runtime],
    targets: &[TargetFigure],
    effort: turns::Effort,
) -> Result<Vec<DeadlineCost>> {
    let among_targets = |engine: &str, what: &str| {
        let mut targets = targets.iter();
        let found = targets.find(|target| {
            let of_deadline = target.comparison == Comparison::Deadline.name();
            of_deadline && engine == "wasmtime" && target.what == what
        });
        found.map(|target| target.ratio)
    };
    let mut costs = Vec::new();
    for (on, off) in runtimes.iter().zip(&runtimes_without_deadlines()?) {
        let load = |runtime: &Runtime| Engine::new(runtime.backend().name(), runtime);
        let (on, off) = (load(on)?, load(off)?);
        for workload in workload::middle() {
            let measured = match among_targets(on.name(), &workload.name()) {
                Some(measured) => measured,
                None => by_turns(
                    &mut || on.ready(&workload),
                    &mut || off.ready(&workload),
                    effort,
                )?,
            };
            costs.push(DeadlineCost::new(on.name(), &workload, &measured));
        }
    }
    Ok(costs)
}

fn latencies(runtimes: &[Runtime], calls: usize) -> Result<Vec<Latency>> {
    let mut latencies = Vec::new();
    for endless in ENDLESS {
        for runtime in runtimes {
            latencies.push(latency::measure(runtime, endless, calls)?);
        }
    }
    Ok(latencies)
}

fn targets(cache: &Path, effort: turns::Effort) -> Result<Vec<TargetFigure>> {
    let contestants = Contestants::new(cache)?;
    let mut figures = Vec::new();
    for target in table::all() {
        figures.extend(targets::measure(&target, &contestants, effort)?);
    }
    Ok(figures)
}
