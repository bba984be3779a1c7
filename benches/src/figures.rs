//! The figures that criterion does not measure, as one JSON document.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use kpack::Runtime;
use kpack_conformance::runtimes;
use serde::Serialize;

use crate::deadline_cost::{self, DeadlineCost};
use crate::latency::{self, ENDLESS, Latency};
use crate::machine::{Machine, look};
use crate::raw::runtimes_without_deadlines;
use crate::series::Engine;
use crate::targets::{self, Contestants, TargetFigure, table};
use crate::{turns, workload};

/// What `cargo xtask bench-report` reads beside criterion's results.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// What they were measured on.
    pub machine: Machine,
    /// What deadlines cost, for each engine and kernel.
    pub deadline_cost: Vec<DeadlineCost>,
    /// The time from the deadline to the return, for each engine and endless kernel.
    pub deadline_latency: Vec<Latency>,
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
}

impl Figures {
    /// Measures on every engine; a compile cache is made in the folder.
    ///
    /// # Errors
    ///
    /// When an engine cannot be set up, or a call does not end as it should.
    pub fn measure(effort: Effort, cache: &Path) -> Result<Self> {
        let runtimes = runtimes()?;
        Ok(Self {
            machine: look(&runtimes)?,
            deadline_cost: costs(&runtimes, effort.turns)?,
            deadline_latency: latencies(&runtimes, effort.calls)?,
            targets: targets(cache, effort.turns)?,
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

fn costs(runtimes: &[Runtime], effort: turns::Effort) -> Result<Vec<DeadlineCost>> {
    let mut costs = Vec::new();
    for (on, off) in runtimes.iter().zip(&runtimes_without_deadlines()?) {
        let load = |runtime: &Runtime| Engine::new(runtime.backend().name(), runtime);
        let (on, off) = (load(on)?, load(off)?);
        for workload in workload::middle() {
            costs.push(deadline_cost::measure(&on, &off, &workload, effort)?);
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
