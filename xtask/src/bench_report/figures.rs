//! `figures.json`, which the bench `figures` writes: what criterion does not measure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Figures {
    pub(super) machine: Machine,
    pub(super) deadline_cost: Vec<DeadlineCost>,
    pub(super) deadline_latency: Vec<Latency>,
    /// Not in figures of before packs could be swapped.
    pub(super) swap_latency: Option<SwapLatency>,
    pub(super) targets: Vec<Target>,
}

/// What everything was measured on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Machine {
    pub(super) cpu: String,
    pub(super) cores: usize,
    pub(super) features: Vec<String>,
    pub(super) os: String,
    pub(super) rustc: String,
    /// By name: the engines, kpack itself, whatever else was measured.
    pub(super) versions: BTreeMap<String, String>,
    pub(super) date: String,
}

/// What deadlines cost, by pairs of batches with and without checks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct DeadlineCost {
    pub(super) engine: String,
    pub(super) kernel: String,
    pub(super) size: String,
    pub(super) off_ns: f64,
    pub(super) on_ns: f64,
    pub(super) percent: f64,
    pub(super) lower_quartile: f64,
    pub(super) upper_quartile: f64,
}

/// The times from a deadline to the call's return.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Latency {
    pub(super) engine: String,
    pub(super) kernel: String,
    pub(super) ticks: u64,
    pub(super) calls: usize,
    pub(super) median_ms: f64,
    pub(super) p95_ms: f64,
    pub(super) max_ms: f64,
}

/// The times of calls with swaps going on and without.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct SwapLatency {
    pub(super) what: String,
    pub(super) swaps: u64,
    pub(super) with: CallTimes,
    pub(super) without: CallTimes,
    pub(super) difference_ms: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct CallTimes {
    pub(super) calls: usize,
    pub(super) median_us: f64,
    pub(super) p999_us: f64,
    pub(super) max_us: f64,
}

/// What a call should take as a multiple of another's time, and what it does take, by pairs of batches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Target {
    /// What is compared, such as `wasmtime / ceiling`.
    pub(super) comparison: String,
    /// On which call.
    pub(super) what: String,
    /// Neither is there where the figure is only of interest.
    pub(super) must: Option<Goal>,
    pub(super) aim: Option<Goal>,
    pub(super) one_ns: f64,
    pub(super) other_ns: f64,
    pub(super) ratio: f64,
    pub(super) lower_quartile: f64,
    pub(super) upper_quartile: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Goal {
    /// Not to be exceeded.
    pub(super) ratio: f64,
    /// The nanoseconds that the one must not exceed either.
    pub(super) nanoseconds: Option<f64>,
    pub(super) met: bool,
}
