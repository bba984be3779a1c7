//! A small copy of criterion's folder, and the pages that come from it.
//!
//! `KPACK_UPDATE=1 cargo test --workspace --all-features bench_report` writes the pages anew.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use super::criterion::{Results, read};
use super::report::Report;
use super::{Pages, read_json};

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
    let ratios = |table: usize, group: usize| -> Vec<(&str, Option<f64>)> {
        let series = report.tables[table].groups[group].series.iter();
        series.map(|s| (s.name.as_str(), s.ratio)).collect()
    };
    let first = [
        ("native", Some(1.0)),
        ("wasmer", Some(2.0)),
        ("wasmtime", Some(0.5)),
    ];
    assert_eq!(ratios(0, 0), first);
    let checks = [("checks off", Some(1.0)), ("checks on", Some(1.023))];
    assert_eq!(ratios(2, 0), checks);
    assert!(ratios(1, 0).iter().all(|(_, ratio)| ratio.is_none()));
    let throughput = report.tables[0].groups[0].series[0].gigabytes_per_second;
    assert_eq!(throughput, Some(49.15));
}

#[test]
fn without_ratios_there_is_no_chart() {
    let mut report = report();
    report.tables.retain(|table| table.baseline.is_none());
    let pages = Pages::new(&report).unwrap();
    assert_eq!(pages.chart, None);
    assert!(!pages.markdown.contains("chart.svg"));
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
