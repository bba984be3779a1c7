//! The table in the README, which stands between two comments.

use std::fmt::Write;

use anyhow::{Context, Result};

use super::figures::{Machine, Target};
use super::markdown::time;

const START: &str = "<!-- bench-report: from here -->\n";
const END: &str = "<!-- bench-report: to here -->\n";

/// The README with this table in the place of the one that it holds.
///
/// # Errors
///
/// If the comments are not there.
pub(super) fn with_table(readme: &str, table: &str) -> Result<String> {
    let (before, rest) = readme
        .split_once(START)
        .with_context(|| format!("no such line: `{}`", START.trim_end()))?;
    let (_, after) = rest
        .split_once(END)
        .with_context(|| format!("no such line: `{}`", END.trim_end()))?;
    Ok(format!("{before}{START}{table}{END}{after}"))
}

/// The kernels' times beside those of the others; nothing where no kernel was measured.
///
/// All is from the targets' measurement in turns, so that times and ratios are of one run.
pub(super) fn table(machine: &Machine, targets: &[Target]) -> String {
    let kernels = calls(targets);
    if kernels.is_empty() {
        return String::new();
    }
    let mut table =
        "\n| bound call | wasmtime | wasmer | by hand | candle | to by hand | to candle |\n\
                     | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n"
            .to_owned();
    for what in kernels {
        let of = |comparison: &str| {
            let mut targets = targets.iter();
            targets.find(|target| target.what == what && target.comparison == comparison)
        };
        let (ceiling, candle, wasmer) = (of(CEILING), of(CANDLE), of(WASMER));
        let cells = [
            what.to_owned(),
            cell(ceiling.or(candle), |target| time(target.one_ns)),
            cell(wasmer, |target| time(target.one_ns)),
            cell(ceiling, |target| time(target.other_ns)),
            cell(candle, |target| time(target.other_ns)),
            cell(ceiling, |target| format!("{:.2}", target.ratio)),
            cell(candle, |target| format!("{:.2}", target.ratio)),
        ];
        writeln!(table, "| {} |", cells.join(" | ")).expect("a string takes every text");
    }
    let versions: Vec<String> = ["wasmtime", "wasmer", "candle"]
        .iter()
        .filter_map(|name| Some(format!("{name} {}", machine.versions.get(*name)?)))
        .collect();
    writeln!(
        table,
        "\nOne thread, f32, medians. By hand: native, with AVX-512 or NEON. candle: built for \
         the architecture's baseline. On {} ({}); {}.\n",
        machine.cpu,
        machine.features.join(", "),
        versions.join(", "),
    )
    .expect("a string takes every text");
    table
}

const CEILING: &str = "wasmtime / ceiling";
const CANDLE: &str = "wasmtime / candle";
const WASMER: &str = "wasmer / wasmtime";

/// The kernels' calls, in the order of the targets.
fn calls(targets: &[Target]) -> Vec<&str> {
    let mut calls: Vec<&str> = Vec::new();
    for target in targets {
        let compared = [CEILING, CANDLE].contains(&&*target.comparison);
        if compared && !calls.contains(&&*target.what) {
            calls.push(&target.what);
        }
    }
    calls
}

fn cell(target: Option<&Target>, text: impl Fn(&Target) -> String) -> String {
    target.map_or_else(|| "-".to_owned(), text)
}
