//! What criterion leaves in its folder: for each benchmark `<its folders>/new/benchmark.json` and
//! `estimates.json`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::read_json;

/// One benchmark's result.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Measurement {
    /// The group, such as `kernels/rmsnorm_f32/32 x 4096`.
    pub(super) group: String,
    /// The function in the group, such as `wasmtime`.
    pub(super) series: String,
    /// The median time of a call, in nanoseconds.
    pub(super) median_ns: f64,
    /// The 95% interval of that median.
    pub(super) interval_ns: (f64, f64),
    /// What a call reads and writes, if the benchmark says so.
    pub(super) bytes: Option<u64>,
}

/// Which results count.
#[derive(Debug, Clone, Copy)]
pub(super) enum Results {
    All,
    /// Those that were written since; benchmarks that are no more leave older ones behind.
    Since(SystemTime),
}

/// Reads every result below criterion's folder.
///
/// # Errors
///
/// If there is none, or one is incomplete or malformed.
pub(super) fn read(folder: &Path, results: Results) -> Result<Vec<Measurement>> {
    let mut found = Vec::new();
    find_new(folder, &mut found)?;
    let mut measurements = Vec::new();
    for folder in found {
        if counts(&folder, results)? {
            measurements.push(measurement(&folder)?);
        }
    }
    ensure!(
        !measurements.is_empty(),
        "no results of criterion in: `{}`",
        folder.display()
    );
    Ok(measurements)
}

/// The folders that hold the last result of a benchmark.
fn find_new(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let cannot_read = || format!("cannot read: `{}`", folder.display());
    for entry in fs::read_dir(folder).with_context(cannot_read)? {
        let entry = entry.with_context(cannot_read)?;
        if !entry.file_type().with_context(cannot_read)?.is_dir() {
            continue;
        }
        if entry.file_name() == "new" {
            found.push(entry.path());
        } else {
            find_new(&entry.path(), found)?;
        }
    }
    Ok(())
}

fn counts(folder: &Path, results: Results) -> Result<bool> {
    let Results::Since(start) = results else {
        return Ok(true);
    };
    // Of the two files this one is written first.
    let file = folder.join(ESTIMATES);
    let written = fs::metadata(&file).and_then(|metadata| metadata.modified());
    let written = written.with_context(|| format!("cannot read: `{}`", file.display()))?;
    Ok(written >= start)
}

const ESTIMATES: &str = "estimates.json";

fn measurement(folder: &Path) -> Result<Measurement> {
    let benchmark: Benchmark = read_json(&folder.join("benchmark.json"))?;
    let file = folder.join(ESTIMATES);
    let Estimates { median } = read_json(&file)?;
    let interval = median.confidence_interval;
    let interval_ns = (interval.lower_bound, interval.upper_bound);
    ensure!(
        median.point_estimate.is_finite() && median.point_estimate > 0.0,
        "a time is above zero: `{}`",
        file.display()
    );
    Ok(Measurement {
        group: benchmark.group_id,
        series: benchmark.function_id,
        median_ns: median.point_estimate,
        interval_ns,
        bytes: benchmark.throughput.and_then(|throughput| throughput.bytes),
    })
}

/// `benchmark.json`.
#[derive(Deserialize)]
struct Benchmark {
    group_id: String,
    function_id: String,
    throughput: Option<Throughput>,
}

/// Other units of work than bytes are none of the report's.
#[derive(Deserialize)]
struct Throughput {
    #[serde(rename = "Bytes", alias = "BytesDecimal")]
    bytes: Option<u64>,
}

/// `estimates.json`, all times in nanoseconds.
#[derive(Deserialize)]
struct Estimates {
    median: Estimate,
}

#[derive(Deserialize)]
struct Estimate {
    confidence_interval: Interval,
    point_estimate: f64,
}

#[derive(Deserialize)]
struct Interval {
    lower_bound: f64,
    upper_bound: f64,
}
