//! How long after its deadline a call returns.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use kpack::{Fault, Kernel, Runtime};
use serde::Serialize;

use crate::lone_kernel;

/// The ticks that each call is given.
pub const TICKS: u64 = 5;

/// The length of one tick.
pub const TICK: Duration = Duration::from_millis(10);

/// A kernel that does not end by itself.
#[derive(Debug, Clone, Copy)]
pub struct Endless {
    /// What it does, for people.
    pub name: &'static str,
    /// The module's text.
    pub module: &'static str,
}

/// A loop with nothing in it for a deadline to hook into, instructions that each take long, and
/// calls without a loop.
pub const ENDLESS: [Endless; 3] = [
    Endless {
        name: "an empty loop",
        module: r#"(module (memory (export "memory") 1)
          (func (export "run") (param i32) (result i32)
            (loop $again (br $again)) unreachable))"#,
    },
    Endless {
        name: "copies of the whole memory",
        module: r#"(module (memory (export "memory") 1)
          (func (export "run") (param i32) (result i32)
            (drop (memory.grow (i32.const 62)))
            (loop $again
              (memory.copy (i32.const 0) (i32.const 2031616) (i32.const 2031616)) (br $again))
            unreachable))"#,
    },
    Endless {
        name: "recursion",
        module: r#"(module (memory (export "memory") 1)
          (func $twice (param i32)
            (if (local.get 0) (then
              (call $twice (i32.sub (local.get 0) (i32.const 1)))
              (call $twice (i32.sub (local.get 0) (i32.const 1))))))
          (func (export "run") (param i32) (result i32) (call $twice (i32.const 60)) i32.const 0))"#,
    },
];

/// The times from a deadline to the call's return, over many calls of one kernel.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Latency {
    /// The engine.
    pub engine: String,
    /// What the kernel does.
    pub kernel: String,
    /// The ticks that each call was given.
    pub ticks: u64,
    /// The number of calls.
    pub calls: usize,
    /// Half of the calls returned within this many milliseconds of the deadline.
    pub median_ms: f64,
    /// 95 of 100 calls did.
    pub p95_ms: f64,
    /// All of them did.
    pub max_ms: f64,
}

/// Calls an endless kernel and measures every return.
///
/// # Errors
///
/// When a call ends in any other way than at its deadline, or there are no calls.
pub fn measure(runtime: &Runtime, endless: Endless, calls: usize) -> Result<Latency> {
    let kernel = lone_kernel::load(runtime, endless.module, TICKS)?;
    let mut late = Vec::with_capacity(calls);
    for call in 0..calls {
        thread::sleep(phase(call));
        late.push(one(&kernel)?);
    }
    late.sort_unstable();
    ensure!(!late.is_empty(), "a latency needs at least one call");
    Ok(Latency {
        engine: runtime.backend().name().to_owned(),
        kernel: endless.name.to_owned(),
        ticks: TICKS,
        calls,
        median_ms: milliseconds(percentile(&late, 50)),
        p95_ms: milliseconds(percentile(&late, 95)),
        max_ms: milliseconds(percentile(&late, 100)),
    })
}

/// A call that ends with a tick would start the next one right behind it, always in the same phase
/// of the clock: these pauses spread the starts evenly over a tick.
fn phase(call: usize) -> Duration {
    let call = u32::try_from(call).expect("some dozens of calls");
    // 0.618 ticks: the golden ratio's steps fill a circle most evenly.
    Duration::from_nanos(u64::from(call) * 6_180_340 % 10_000_000)
}

fn one(kernel: &Kernel) -> Result<Duration> {
    let mut bound = lone_kernel::bind(kernel)?;
    let start = Instant::now();
    let outcome = bound.run();
    let elapsed = start.elapsed();
    let fault = outcome.err().and_then(|error| error.fault().cloned());
    let deadline = Fault::Deadline { ticks: TICKS };
    ensure!(fault == Some(deadline), "the call ended in: `{fault:?}`");
    let allowed = TICK * u32::try_from(TICKS).expect("a few ticks");
    // A call that returned early would be one that was robbed of its time.
    elapsed
        .checked_sub(allowed)
        .ok_or_else(|| anyhow::anyhow!("the call was not given its ticks: `{elapsed:?}`"))
}

/// The value that `percent` of the sorted values do not exceed, by the nearest rank.
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    nearest_rank(sorted, percent, 100)
}

/// The value that `share` out of `of` of the sorted values do not exceed.
pub(crate) fn nearest_rank(sorted: &[Duration], share: usize, of: usize) -> Duration {
    let rank = (sorted.len() * share).div_ceil(of);
    sorted[rank.saturating_sub(1)]
}

fn milliseconds(duration: Duration) -> f64 {
    // Microseconds are the digits that mean something.
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_seen() {
        let sorted: Vec<Duration> = (1..=20).map(Duration::from_millis).collect();
        for (percent, expected) in [(50, 10), (95, 19), (100, 20), (1, 1)] {
            let found = percentile(&sorted, percent);
            assert_eq!(found, Duration::from_millis(expected), "{percent}");
        }
    }

    #[test]
    fn starts_are_spread_over_a_tick() {
        let mut starts: Vec<Duration> = (0..50).map(phase).collect();
        starts.sort_unstable();
        assert!(starts.iter().all(|&start| start < TICK));
        for pair in starts.windows(2) {
            assert!(pair[1] - pair[0] < TICK / 20, "{pair:?}");
        }
    }

    #[test]
    fn every_endless_kernel_ends_at_its_deadline_on_every_engine() {
        for runtime in kpack_conformance::runtimes().unwrap() {
            for endless in ENDLESS {
                let latency = measure(&runtime, endless, 1).unwrap();
                assert_eq!(latency.median_ms, latency.max_ms);
            }
        }
    }
}
