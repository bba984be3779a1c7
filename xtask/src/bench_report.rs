//! `cargo xtask bench-report`: runs the benches and puts their figures on one page.

mod chart;
mod criterion;
mod figures;
mod markdown;
mod natural_order;
mod readme;
mod report;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;

use self::criterion::Results;
use self::figures::Figures;
pub(crate) use self::markdown::time;
use self::report::Report;
use crate::build_kernels::target_dir;
use crate::kernel_docs::kernel_docs;
use crate::outer_cargo::{self, workspace_root};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Reports the results of earlier runs that are there, instead of running `cargo bench`
    #[arg(long, conflicts_with = "bench_args")]
    no_run: bool,
    /// What `cargo bench` passes to the benches, such as `--quick` or a part of a name
    #[arg(last = true, value_name = "ARGS")]
    bench_args: Vec<String>,
}

/// Writes JSON, Markdown and a chart to `kpack/bench` in the target folder and to
/// `docs/benchmarks`, the kernels' times to the README and to their pages, and prints the Markdown.
///
/// # Errors
///
/// If the benches do not run, or a result is missing or malformed; the message names the file.
pub(crate) fn bench_report(options: &Options) -> Result<()> {
    let results = if options.no_run {
        Results::All
    } else {
        let start = SystemTime::now();
        run_benches(&options.bench_args)?;
        Results::Since(start)
    };
    // The cargo that ran the benches did so in the workspace's root.
    let target = workspace_root().join(target_dir(&workspace_root()));
    let measurements = criterion::read(&criterion_dir(&target), results)?;
    let figures: Figures = read_json(&target.join("kpack/bench/figures.json"))?;
    let report = Report::new(measurements, figures);
    let pages = Pages::new(&report)?;
    for folder in [
        target.join("kpack/bench"),
        workspace_root().join("docs/benchmarks"),
    ] {
        pages.write(&folder)?;
        eprintln!("written to {}", folder.display());
    }
    update_readme(&report)?;
    kernel_docs()?;
    print!("{}", pages.markdown);
    Ok(())
}

fn update_readme(report: &Report) -> Result<()> {
    let file = workspace_root().join("README.md");
    let readme =
        fs::read_to_string(&file).with_context(|| format!("cannot read: `{}`", file.display()))?;
    let table = readme::table(&report.machine, &report.targets);
    let readme = readme::with_table(&readme, &table)
        .with_context(|| format!("no place for the table: `{}`", file.display()))?;
    write(&file, &readme)
}

fn run_benches(arguments: &[String]) -> Result<()> {
    let mut cargo = outer_cargo::command();
    cargo.args(["bench", "--features", "kpack-benches/candle", "--"]);
    cargo.args(arguments);
    kpack_build::run(&mut cargo)
}

fn criterion_dir(target: &Path) -> PathBuf {
    std::env::var_os("CRITERION_HOME").map_or_else(|| target.join("criterion"), PathBuf::from)
}

/// The report in its three forms.
struct Pages {
    json: String,
    markdown: String,
    /// Missing where nothing was measured that has a ratio.
    chart: Option<String>,
}

impl Pages {
    fn new(report: &Report) -> Result<Self> {
        let chart = chart::svg(report);
        Ok(Self {
            json: format!("{}\n", serde_json::to_string_pretty(report)?),
            markdown: markdown::page(report, chart.as_ref().map(|_| CHART)),
            chart,
        })
    }

    fn write(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder: `{}`", folder.display()))?;
        write(&folder.join("report.json"), &self.json)?;
        write(&folder.join("report.md"), &self.markdown)?;
        match &self.chart {
            Some(chart) => write(&folder.join(CHART), chart),
            None => Ok(()),
        }
    }
}

const CHART: &str = "chart.svg";

fn write(file: &Path, text: &str) -> Result<()> {
    fs::write(file, text).with_context(|| format!("cannot write: `{}`", file.display()))
}

fn read_json<T: DeserializeOwned>(file: &Path) -> Result<T> {
    let text = fs::read(file).with_context(|| format!("cannot read: `{}`", file.display()))?;
    serde_json::from_slice(&text)
        .with_context(|| format!("the file has another shape: `{}`", file.display()))
}
