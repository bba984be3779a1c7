//! The figures in the order in which they are shown, with their ratios.

use std::collections::BTreeMap;

use serde::Serialize;

use super::criterion::Measurement;
use super::figures::{DeadlineCost, Figures, Latency, Machine, SwapLatency, Target};
use super::natural_order;

/// What `report.json` holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Report {
    pub(super) machine: Machine,
    pub(super) targets: Vec<Target>,
    pub(super) tables: Vec<Table>,
    pub(super) deadline_cost: Vec<DeadlineCost>,
    pub(super) deadline_latency: Vec<Latency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) swap_latency: Option<SwapLatency>,
}

/// All benchmarks whose group starts with the same word.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Table {
    pub(super) name: String,
    #[serde(skip)]
    pub(super) title: String,
    #[serde(skip)]
    pub(super) about: &'static str,
    /// The series that ratios are formed with.
    pub(super) baselines: &'static [&'static str],
    pub(super) groups: Vec<Group>,
}

/// What is compared with each other, such as one kernel at one size.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Group {
    pub(super) name: String,
    /// The baselines first.
    pub(super) series: Vec<Series>,
}

/// One benchmark.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Series {
    pub(super) name: String,
    pub(super) median_ns: f64,
    /// The bounds of the 95% interval of the median.
    pub(super) low_ns: f64,
    pub(super) high_ns: f64,
    pub(super) gigabytes_per_second: Option<f64>,
    /// The time as a multiple of each baseline's that is there.
    pub(super) ratios: BTreeMap<&'static str, f64>,
}

/// What is known of a table beside its figures.
struct Family {
    name: &'static str,
    title: &'static str,
    about: &'static str,
    baselines: &'static [&'static str],
}

/// In the order of the page. Other families come behind them, without ratios.
const FAMILIES: [Family; 4] = [
    Family {
        name: "kernels",
        title: "Kernels",
        about: "Bound calls of the reference kernels, one thread, warm, beside the same by hand for \
                this processor (the ceiling: AVX-512 or NEON), candle's operators, and plain native \
                Rust loops. candle and those loops are built for the architecture's baseline, as \
                cargo does where nothing else is said (on x86-64: SSE2), while the engines compile \
                for the processor at hand, with AVX and FMA where it has them. The memory limit is reading the inputs and writing the output, and \
                nothing else. GB/s: inputs read and output written.",
        baselines: &["ceiling", "candle", "native"],
    },
    Family {
        name: "calls",
        title: "Calls, instances and loading",
        about: "What there is to pay beside a kernel's own work. The typed call is the engine's \
                own interface without kpack, and without deadlines. To bind is to make an instance \
                and to give it back; to load is to verify and to compile.",
        baselines: &[],
    },
    Family {
        name: "callers",
        title: "From slices into slices",
        about: "Calls on tensors of the host's, which are copied in and out: by a caller that keeps \
                its instances and cuts large calls into tiles, and by the one-shot call on a fresh \
                instance, beside the bound call, whose tensors are in place. On wasmtime.",
        baselines: &["bound"],
    },
    Family {
        name: "deadline",
        title: "With and without deadlines",
        about: "Bound calls with the deadline's checks in the compiled code, and on the same \
                engine without. The memory's layout is the same.",
        baselines: &["checks off"],
    },
];

impl Report {
    pub(super) fn new(measurements: Vec<Measurement>, figures: Figures) -> Self {
        let mut families: BTreeMap<String, Vec<Measurement>> = BTreeMap::new();
        for measurement in measurements {
            let family = split(&measurement.group).0.to_owned();
            families.entry(family).or_default().push(measurement);
        }
        let known = FAMILIES.iter().filter_map(|family| {
            let measurements = families.remove(family.name)?;
            Some(Table::known(family, measurements))
        });
        let mut tables: Vec<Table> = known.collect();
        tables.extend(families.into_iter().map(Table::other));
        Self {
            machine: figures.machine,
            targets: figures.targets,
            tables,
            deadline_cost: figures.deadline_cost,
            deadline_latency: figures.deadline_latency,
            swap_latency: figures.swap_latency,
        }
    }
}

impl Table {
    fn known(family: &Family, measurements: Vec<Measurement>) -> Self {
        Self {
            name: family.name.to_owned(),
            title: family.title.to_owned(),
            about: family.about,
            baselines: family.baselines,
            groups: groups(measurements, family.baselines),
        }
    }

    fn other((name, measurements): (String, Vec<Measurement>)) -> Self {
        Self {
            title: name.clone(),
            name,
            about: "",
            baselines: &[],
            groups: groups(measurements, &[]),
        }
    }
}

/// The family of a group and the rest of its name.
fn split(group: &str) -> (&str, &str) {
    group.split_once('/').unwrap_or((group, ""))
}

fn groups(mut measurements: Vec<Measurement>, baselines: &[&'static str]) -> Vec<Group> {
    measurements.sort_by_cached_key(|measurement| {
        let place = baselines
            .iter()
            .position(|name| *name == measurement.series);
        (
            natural_order::key(&measurement.group),
            place.unwrap_or(baselines.len()),
            natural_order::key(&measurement.series),
        )
    });
    measurements
        .chunk_by(|one, next| one.group == next.group)
        .map(|of_group| group(of_group, baselines))
        .collect()
}

fn group(measurements: &[Measurement], baselines: &[&'static str]) -> Group {
    let median = |name: &str| {
        let mut measurements = measurements.iter();
        let found = measurements.find(|measurement| measurement.series == name);
        found.map(|measurement| measurement.median_ns)
    };
    let baselines: Vec<(&str, f64)> = baselines
        .iter()
        .filter_map(|name| Some((*name, median(name)?)))
        .collect();
    Group {
        name: split(&measurements[0].group).1.replace('/', ", "),
        series: measurements
            .iter()
            .map(|measurement| series(measurement, &baselines))
            .collect(),
    }
}

fn series(measurement: &Measurement, baselines: &[(&'static str, f64)]) -> Series {
    let median_ns = measurement.median_ns;
    let (low_ns, high_ns) = measurement.interval_ns;
    let throughput = measurement.bytes.map(|bytes| float(bytes) / median_ns);
    let ratios = baselines
        .iter()
        .map(|(name, baseline)| (*name, rounded(median_ns / baseline, 3)));
    Series {
        name: measurement.series.clone(),
        median_ns: rounded(median_ns, 2),
        low_ns: rounded(low_ns, 2),
        high_ns: rounded(high_ns, 2),
        gigabytes_per_second: throughput.map(|throughput| rounded(throughput, 2)),
        ratios: ratios.collect(),
    }
}

/// Digits beyond what a measurement can tell would only make the files hard to compare.
fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a call moves less than 2^53 bytes"
)]
const fn float(bytes: u64) -> f64 {
    bytes as f64
}
