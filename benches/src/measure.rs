//! Timing: the median over batches, each long enough for the clock.

use std::time::{Duration, Instant};

const BATCHES: usize = 41;
const BATCH: Duration = Duration::from_millis(4);

/// The median time of one call in nanoseconds, warm.
pub fn median_ns(mut call: impl FnMut()) -> f64 {
    let calls = calls_per_batch(&mut call, BATCH);
    let mut batches: Vec<f64> = (0..BATCHES)
        .map(|_| ns_per_call(&mut call, calls))
        .collect();
    batches.sort_by(f64::total_cmp);
    batches[BATCHES / 2]
}

/// Doubles the number of calls until they fill a batch; that also warms everything up.
pub(crate) fn calls_per_batch(call: &mut impl FnMut(), batch: Duration) -> u32 {
    let mut calls = 1;
    while time(call, calls) < batch && calls < 1 << 24 {
        calls *= 2;
    }
    calls
}

/// The time of one call in nanoseconds, over `calls` calls.
pub(crate) fn ns_per_call(call: &mut impl FnMut(), calls: u32) -> f64 {
    time(call, calls).as_secs_f64() * 1e9 / f64::from(calls)
}

fn time(call: &mut impl FnMut(), calls: u32) -> Duration {
    let start = Instant::now();
    for _ in 0..calls {
        call();
    }
    start.elapsed()
}
