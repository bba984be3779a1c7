//! What `cargo xtask bench-report` measured of each kernel.

use anyhow::{Context, Result};
use serde::Deserialize;

/// The part of `report.json` that is about kernels.
#[derive(Debug)]
pub(super) struct Measurements {
    pub(super) cpu: String,
    groups: Vec<Group>,
}

/// One call, by everyone who makes it.
#[derive(Debug, Deserialize)]
pub(super) struct Group {
    name: String,
    series: Vec<Series>,
}

#[derive(Debug, Deserialize)]
struct Series {
    name: String,
    median_ns: f64,
}

#[derive(Deserialize)]
struct Report {
    machine: Machine,
    tables: Vec<Table>,
}

#[derive(Deserialize)]
struct Machine {
    cpu: String,
}

#[derive(Deserialize)]
struct Table {
    name: String,
    groups: Vec<Group>,
}

impl Measurements {
    /// Reads the report.
    ///
    /// # Errors
    ///
    /// When it has another shape, or no table of kernels.
    pub(super) fn from_json(report: &str) -> Result<Self> {
        let report: Report =
            serde_json::from_str(report).context("the report has another shape")?;
        let mut tables = report.tables.into_iter();
        let kernels = tables.find(|table| table.name == "kernels");
        Ok(Self {
            cpu: report.machine.cpu,
            groups: kernels
                .context("the report has no table of kernels")?
                .groups,
        })
    }

    /// The calls of a kernel, each with its size.
    pub(super) fn of<'a>(&'a self, kernel: &str) -> Vec<(&'a str, &'a Group)> {
        let of_kernel = |group: &'a Group| -> Option<(&'a str, &'a Group)> {
            let size = group.name.strip_prefix(kernel)?.strip_prefix(", ")?;
            Some((size, group))
        };
        self.groups.iter().filter_map(of_kernel).collect()
    }
}

impl Group {
    /// The median of a series, in nanoseconds.
    pub(super) fn median(&self, series: &str) -> Option<f64> {
        let mut all = self.series.iter();
        Some(all.find(|known| known.name == series)?.median_ns)
    }
}
