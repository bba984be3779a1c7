//! The report as a page to read.

use std::fmt::Write;

use super::figures::{DeadlineCost, Goal, Latency, Machine, SwapLatency, Target};
use super::report::{Group, Report, Series, Table};

/// The whole page, with the chart at its head.
pub(super) fn page(report: &Report, chart: Option<&str>) -> String {
    let mut page =
        "# Benchmarks\n\nWritten by `cargo xtask bench-report`, which runs `cargo bench`. \
                    Times are medians; ± is half of their 95% interval.\n\n"
            .to_owned();
    machine(&mut page, &report.machine);
    if !report.targets.is_empty() {
        targets(&mut page, &report.targets);
    }
    if let Some(chart) = chart {
        push(
            &mut page,
            format_args!("\n![Times relative to loops written by hand]({chart})\n"),
        );
    }
    for of_family in &report.tables {
        table(&mut page, of_family);
    }
    if !report.deadline_cost.is_empty() {
        cost(&mut page, &report.deadline_cost);
    }
    if !report.deadline_latency.is_empty() {
        latency(&mut page, &report.deadline_latency);
    }
    if let Some(swaps) = &report.swap_latency {
        swap_latency(&mut page, swaps);
    }
    page
}

/// A time with three digits that count.
pub(crate) fn time(nanoseconds: f64) -> String {
    let (value, unit) = match nanoseconds {
        n if n < 1e3 => (n, "ns"),
        n if n < 1e6 => (n / 1e3, "µs"),
        n if n < 1e9 => (n / 1e6, "ms"),
        n => (n / 1e9, "s"),
    };
    let digits = match value {
        v if v < 9.995 => 2,
        v if v < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.digits$} {unit}")
}

fn machine(page: &mut String, machine: &Machine) {
    let versions: Vec<String> = machine
        .versions
        .iter()
        .map(|(name, version)| format!("{name} {version}"))
        .collect();
    for (name, value) in [
        ("", ""),
        ("---", "---"),
        (
            "processor",
            &*format!("{}, {} cores", machine.cpu, machine.cores),
        ),
        ("its features", &machine.features.join(", ")),
        ("system", &machine.os),
        ("compiler", &machine.rustc),
        ("measured", &versions.join(", ")),
        ("when", &machine.date),
    ] {
        push(page, format_args!("| {name} | {value} |\n"));
    }
}

fn table(page: &mut String, table: &Table) {
    push(page, format_args!("\n## {}\n\n", table.title));
    if !table.about.is_empty() {
        push(page, format_args!("{}\n\n", table.about));
    }
    let mut columns = vec!["what", "on", "median", "±"];
    let ratios: Vec<String> = table
        .baselines
        .iter()
        .filter(|baseline| any(table, |series| series.ratios.contains_key(*baseline)))
        .map(|baseline| format!("to {baseline}"))
        .collect();
    let throughput = any(table, |series| series.gigabytes_per_second.is_some());
    columns.extend(throughput.then_some("GB/s"));
    columns.extend(ratios.iter().map(String::as_str));
    head(page, &columns);
    for group in &table.groups {
        rows(page, group, &columns);
    }
}

fn any(table: &Table, has: impl Fn(&Series) -> bool) -> bool {
    table.groups.iter().flat_map(|g| &g.series).any(has)
}

fn head(page: &mut String, columns: &[&str]) {
    push(page, format_args!("| {} |\n", columns.join(" | ")));
    let alignments: Vec<&str> = (0..columns.len())
        .map(|column| if column < 2 { "---" } else { "---:" })
        .collect();
    push(page, format_args!("| {} |\n", alignments.join(" | ")));
}

/// A group's name stands in its first row only.
fn rows(page: &mut String, group: &Group, columns: &[&str]) {
    let mut name = group.name.as_str();
    for series in &group.series {
        let cells: Vec<String> = columns
            .iter()
            .map(|&column| match column {
                "what" => name.to_owned(),
                "on" => series.name.clone(),
                "median" => time(series.median_ns),
                "±" => format!("{:.1}%", spread(series)),
                "GB/s" => digits(series.gigabytes_per_second, 1),
                ratio => {
                    let baseline = ratio.strip_prefix("to ").unwrap_or(ratio);
                    digits(series.ratios.get(baseline).copied(), 2)
                }
            })
            .collect();
        push(page, format_args!("| {} |\n", cells.join(" | ")));
        name = "";
    }
}

fn spread(series: &Series) -> f64 {
    50.0 * (series.high_ns - series.low_ns) / series.median_ns
}

fn digits(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
}

/// A comparison's name stands in its first row only.
fn targets(page: &mut String, targets: &[Target]) {
    let count = |goal: fn(&Target) -> Option<Goal>| {
        let goals: Vec<Goal> = targets.iter().filter_map(goal).collect();
        let met = goals.iter().filter(|goal| goal.met).count();
        format!("{met} of {}", goals.len())
    };
    push(
        page,
        format_args!(
            "\n## Targets\n\nRatios of medians, one thread where nothing else is said, measured in \
             short batches by turns. The quartiles are those of each batch compared with its \
             neighbour. A goal is met if the ratio, rounded to two digits, does not exceed it: {} \
             musts are met, and {} aims. A caller takes slices of the host's and gives slices; the empty \
             kernel's typed call is the engine's own, without deadlines. The goals of the one-shot \
             call into the caller's buffers are held against a caller that keeps its instances; the \
             one-shot call on a fresh instance is only of interest. candle is built for the architecture's \
             baseline, the engines compile for the processor at hand.\n\n",
            count(|target| target.must),
            count(|target| target.aim),
        ),
    );
    let columns = [
        "comparison",
        "on",
        "ratio",
        "quartiles",
        "times",
        "must",
        "aim",
    ];
    head(page, &columns);
    let mut last = "";
    for target in targets {
        let name = match &*target.comparison {
            same if same == last => "",
            other => other,
        };
        let Target {
            what,
            ratio,
            lower_quartile,
            upper_quartile,
            ..
        } = target;
        let [one, other] = [target.one_ns, target.other_ns].map(time);
        let [must, aim] = [target.must, target.aim].map(goal);
        push(
            page,
            format_args!(
                "| {name} | {what} | {ratio:.2} | {lower_quartile:.2} to {upper_quartile:.2} \
                 | {one} / {other} | {must} | {aim} |\n"
            ),
        );
        last = &target.comparison;
    }
}

fn goal(goal: Option<Goal>) -> String {
    let Some(goal) = goal else {
        return "-".to_owned();
    };
    let outcome = if goal.met { "met" } else { "**missed**" };
    let nanoseconds = goal.nanoseconds.map(|most| format!(" and {most:.0} ns"));
    format!(
        "{:.2}{} {outcome}",
        goal.ratio,
        nanoseconds.unwrap_or_default()
    )
}

fn cost(page: &mut String, costs: &[DeadlineCost]) {
    page.push_str(
        "\n## What deadlines cost\n\nThe same calls again, in short batches by turns: by the \
         medians with checks and without. The quartiles are those of each batch compared with its \
         neighbour. Where a call is among the targets, this is their measurement.\n\n",
    );
    let columns = ["what", "on", "without", "with", "cost", "quartiles"];
    head(page, &columns);
    for one in costs {
        let DeadlineCost {
            kernel,
            size,
            engine,
            ..
        } = one;
        let [off, on] = [one.off_ns, one.on_ns].map(time);
        let [percent, lower, upper] =
            [one.percent, one.lower_quartile, one.upper_quartile].map(|v| format!("{v:+.1}%"));
        push(
            page,
            format_args!(
                "| {kernel}, {size} | {engine} | {off} | {on} | {percent} | {lower} to {upper} |\n"
            ),
        );
    }
}

fn latency(page: &mut String, latencies: &[Latency]) {
    page.push_str(
        "\n## From the deadline to the return\n\nKernels that do not end by themselves; a tick is \
         10 ms.\n\n",
    );
    head(
        page,
        &["kernel", "on", "ticks", "calls", "median", "95%", "maximum"],
    );
    for one in latencies {
        let Latency {
            kernel,
            engine,
            ticks,
            calls,
            ..
        } = one;
        let [median, p95, max] =
            [one.median_ms, one.p95_ms, one.max_ms].map(|value| format!("{value:.2} ms"));
        push(
            page,
            format_args!(
                "| {kernel} | {engine} | {ticks} | {calls} | {median} | {p95} | {max} |\n"
            ),
        );
    }
}

fn swap_latency(page: &mut String, latency: &SwapLatency) {
    push(
        page,
        format_args!(
            "\n## With packs swapped meanwhile\n\n`{}` from a slot on one thread, by turns while another \
             thread swaps one pack after the other ({} swaps), and while none does. The 99.9th percentile \
             with swaps must be no more than 1 ms above the one without; it is {:+.4} ms.\n\n",
            latency.what, latency.swaps, latency.difference_ms
        ),
    );
    head(page, &["swaps", "calls", "median", "99.9%", "maximum"]);
    for (name, times) in [("with", &latency.with), ("without", &latency.without)] {
        let calls = times.calls;
        let [median, p999, max] =
            [times.median_us, times.p999_us, times.max_us].map(|value| time(value * 1e3));
        push(
            page,
            format_args!("| {name} | {calls} | {median} | {p999} | {max} |\n"),
        );
    }
}

fn push(page: &mut String, text: std::fmt::Arguments<'_>) {
    page.write_fmt(text).expect("a string takes every text");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits_that_count() {
        for (nanoseconds, expected) in [
            (1.234, "1.23 ns"),
            (9.999, "10.0 ns"),
            (21.96, "22.0 ns"),
            (705.4, "705 ns"),
            (5_846.0, "5.85 µs"),
            (803_000.0, "803 µs"),
            (1_574_129.0, "1.57 ms"),
            (2.5e9, "2.50 s"),
        ] {
            assert_eq!(time(nanoseconds), expected);
        }
    }
}
