use std::time::Duration;

use anyhow::{Context, Result};

/// The most memory that this process has held at any time, in KiB, where the system says.
pub(crate) fn peak_kib() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")
        .context("only Linux says how much memory a process has held")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let figure = line.context("no peak in /proc/self/status")?;
    let figure = figure.trim().trim_end_matches(" kB");
    figure.parse().context("not a number of KiB")
}

/// The same in words, for a report.
pub(crate) fn peak() -> String {
    peak_kib().map_or_else(
        |error| format!("unknown: {error:#}"),
        |kib| format!("{} MiB", kib >> 10),
    )
}

/// The time for which processors have worked on this process's threads, the ended ones too.
pub(crate) fn busy() -> Result<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat")
        .context("only Linux says how long a process has worked")?;
    // Behind the name in brackets, which may hold anything, the 12th and 13th: user and system, in
    // hundredths of a second.
    let (_, fields) = stat
        .rsplit_once(')')
        .context("no name in /proc/self/stat")?;
    let mut hundredths = 0_u64;
    for field in fields.split_whitespace().skip(11).take(2) {
        hundredths += field.parse::<u64>().context("not a number of ticks")?;
    }
    Ok(Duration::from_millis(hundredths * 10))
}
