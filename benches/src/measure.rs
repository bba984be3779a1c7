//! Timing: the median over batches, each long enough for the clock.

use std::time::{Duration, Instant};

const BATCHES: usize = 41;
const BATCH: Duration = Duration::from_millis(4);

/// The median time of one call in nanoseconds, warm.
pub fn median_ns(mut call: impl FnMut()) -> f64 {
    let calls = calls_per_batch(&mut call);
    let mut batches: Vec<Duration> = (0..BATCHES).map(|_| time(&mut call, calls)).collect();
    batches.sort_unstable();
    nanoseconds(batches[BATCHES / 2]) / f64::from(calls)
}

/// Doubles the number of calls until they fill a batch; that also warms everything up.
fn calls_per_batch(call: &mut impl FnMut()) -> u32 {
    let mut calls = 1;
    while time(call, calls) < BATCH && calls < 1 << 24 {
        calls *= 2;
    }
    calls
}

fn time(call: &mut impl FnMut(), calls: u32) -> Duration {
    let start = Instant::now();
    for _ in 0..calls {
        call();
    }
    start.elapsed()
}

fn nanoseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e9
}
