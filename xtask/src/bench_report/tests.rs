//! A small copy of criterion's folder, and the pages that come from it.
//!
//! `KPACK_UPDATE=1 cargo test --workspace --all-features bench_report` writes the pages anew.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use tempfile::TempDir;

use super::criterion::{Results, read};
use super::figures::{Machine, Target};
use super::report::{Report, Series};
use super::{Pages, read_json, readme};
use crate::outer_cargo::workspace_root;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench-report")
}

fn report() -> Report {
    let measurements = read(&fixture().join("criterion"), Results::All).unwrap();
    Report::new(
        measurements,
        read_json(&fixture().join("figures.json")).unwrap(),
    )
}

#[test]
fn the_pages_are_the_committed_ones() {
    let pages = Pages::new(&report()).unwrap();
    if std::env::var_os("KPACK_UPDATE").is_some() {
        pages.write(&fixture()).unwrap();
    }
    let chart = pages.chart.expect("the fixture has ratios");
    for (file, text) in [
        ("report.json", pages.json),
        ("report.md", pages.markdown),
        ("chart.svg", chart),
    ] {
        let committed = fs::read_to_string(fixture().join(file)).unwrap();
        assert_eq!(text, committed, "{file}");
    }
}

#[test]
fn ratios_are_those_of_the_medians() {
    let report = report();
    let ratios = |table: usize, group: usize, baseline: &str| -> Vec<(String, Option<f64>)> {
        let series = report.tables[table].groups[group].series.iter();
        let ratio = |s: &Series| (s.name.clone(), s.ratios.get(baseline).copied());
        series.map(ratio).collect()
    };
    let first = [
        ("ceiling", 1.0),
        ("candle", 16.0),
        ("native", 4.0),
        ("memory limit", 0.5),
        ("wasmer", 8.0),
        ("wasmtime", 2.0),
    ];
    let first = first.map(|(name, ratio)| (name.to_owned(), Some(ratio)));
    assert_eq!(ratios(0, 0, "ceiling"), first);
    let to_candle = ratios(0, 0, "candle").pop();
    assert_eq!(to_candle, Some(("wasmtime".to_owned(), Some(0.125))));
    assert!(
        ratios(0, 1, "candle")
            .iter()
            .all(|(_, ratio)| ratio.is_none())
    );
    let checks = [("checks off", 1.0), ("checks on", 1.023)];
    let checks = checks.map(|(name, ratio)| (name.to_owned(), Some(ratio)));
    assert_eq!(ratios(2, 0, "checks off"), checks);
    let calls = &report.tables[1].groups[0].series;
    assert!(calls.iter().all(|series| series.ratios.is_empty()));
    let throughput = report.tables[0].groups[0].series[0].gigabytes_per_second;
    assert_eq!(throughput, Some(196.61));
}

#[test]
fn without_ratios_there_is_no_chart() {
    let mut report = report();
    report.tables.retain(|table| table.baselines.is_empty());
    let pages = Pages::new(&report).unwrap();
    assert_eq!(pages.chart, None);
    assert!(!pages.markdown.contains("chart.svg"));
}

/// Without AVX-512 or NEON nothing is written by hand.
#[test]
fn without_a_ceiling_the_chart_is_relative_to_what_was_measured() {
    let measurements = read(&fixture().join("criterion"), Results::All).unwrap();
    let by_hand = ["ceiling", "memory limit"];
    let left = measurements.into_iter();
    let left = left.filter(|measurement| !by_hand.contains(&&*measurement.series));
    let figures = read_json(&fixture().join("figures.json")).unwrap();
    let pages = Pages::new(&Report::new(left.collect(), figures)).unwrap();
    let chart = pages.chart.unwrap();
    assert!(chart.contains("relative to candle"), "{chart}");
    assert!(!chart.contains("memory limit"), "{chart}");
    assert!(!pages.markdown.contains("to ceiling"));
}

#[test]
fn the_readme_holds_the_table_of_the_committed_report() {
    /// What the table is made from.
    #[derive(Deserialize)]
    struct Published {
        machine: Machine,
        /// None in a report that was made before there were any.
        #[serde(default)]
        targets: Vec<Target>,
    }
    let file = workspace_root().join("docs/benchmarks/report.json");
    let Published { machine, targets } = read_json(&file).unwrap();
    let readme = fs::read_to_string(workspace_root().join("README.md")).unwrap();
    let expected = readme::with_table(&readme, &readme::table(&machine, &targets)).unwrap();
    assert_eq!(
        readme, expected,
        "cargo xtask bench-report --no-run writes it anew"
    );
}

#[test]
fn the_readme_s_table_is_the_committed_one() {
    let report = report();
    let table = readme::table(&report.machine, &report.targets);
    let file = fixture().join("readme-table.md");
    if std::env::var_os("KPACK_UPDATE").is_some() {
        fs::write(&file, &table).unwrap();
    }
    assert_eq!(table, fs::read_to_string(file).unwrap());
}

#[test]
fn a_readme_keeps_everything_but_its_table() {
    let page = |table: &str| {
        format!(
            "before\n<!-- bench-report: from here -->\n{table}<!-- bench-report: to here -->\nafter\n"
        )
    };
    let written = readme::with_table(&page("an old one\n"), "a new one\n").unwrap();
    assert_eq!(written, page("a new one\n"));
    for without in ["", "<!-- bench-report: from here -->\n"] {
        let error = readme::with_table(without, "").unwrap_err();
        assert!(error.to_string().contains("bench-report"), "{error}");
    }
}

/// One result of criterion's, with one of its files changed or gone.
fn broken(file: &str, text: Option<&str>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let new = folder.path().join("group/function/new");
    fs::create_dir_all(&new).unwrap();
    let good = fixture().join("criterion/of another kind_sum/wasmtime/new");
    for name in ["benchmark.json", "estimates.json"] {
        fs::copy(good.join(name), new.join(name)).unwrap();
    }
    match text {
        Some(text) => fs::write(new.join(file), text).unwrap(),
        None => fs::remove_file(new.join(file)).unwrap(),
    }
    folder
}

#[test]
fn the_error_names_the_file_that_is_missing_or_malformed() {
    let zero = r#"{"median": {"point_estimate": 0.0,
        "confidence_interval": {"lower_bound": 0.0, "upper_bound": 0.0}}}"#;
    for (file, text) in [
        ("estimates.json", None),
        ("estimates.json", Some("")),
        ("estimates.json", Some("{}")),
        ("estimates.json", Some(zero)),
        ("benchmark.json", None),
        ("benchmark.json", Some("[1, 2]")),
    ] {
        let folder = broken(file, text);
        let error = read(folder.path(), Results::All).unwrap_err();
        let named = Path::new("group/function/new").join(file);
        let named = folder.path().join(named).display().to_string();
        assert!(format!("{error:#}").contains(&named), "{error:#}");
    }
}

#[test]
fn a_folder_without_results_is_named() {
    let empty = tempfile::tempdir().unwrap();
    let missing = empty.path().join("criterion");
    for folder in [empty.path(), &missing] {
        let error = format!("{:#}", read(folder, Results::All).unwrap_err());
        assert!(error.contains(&*folder.display().to_string()), "{error}");
    }
}

#[test]
fn results_of_earlier_runs_can_be_left_out() {
    let folder = fixture().join("criterion");
    let soon = SystemTime::now() + Duration::from_secs(3600);
    assert!(read(&folder, Results::Since(SystemTime::UNIX_EPOCH)).is_ok());
    let error = read(&folder, Results::Since(soon)).unwrap_err();
    assert!(error.to_string().contains("no results"), "{error}");
}
