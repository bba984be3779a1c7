//! What the threads that serve have counted.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kpack::Generation;

/// The generations that are told apart; the example has fewer.
const GENERATIONS: usize = 16;

/// Counts of all threads together.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Calls by the generation of the slot that served them.
    calls: [AtomicU64; GENERATIONS],
    /// The sequence of the release that is a generation; 0 as long as nobody has said.
    sequences: [AtomicU64; GENERATIONS],
    by_fallback: AtomicU64,
    failed: AtomicU64,
    wrong: AtomicU64,
    slowest_ns: AtomicU64,
}

/// The counts at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts {
    /// Calls with a result.
    pub(crate) calls: u64,
    /// The same by the sequence of the release that served them, as far as it is known.
    pub(crate) by_release: BTreeMap<u64, u64>,
    pub(crate) by_fallback: u64,
    pub(crate) failed: u64,
    pub(crate) wrong: u64,
}

impl Tally {
    /// A generation is the release of this sequence.
    pub(crate) fn is_release(&self, generation: Generation, sequence: u64) {
        self.sequences[index(generation)].store(sequence, Ordering::Relaxed);
    }

    /// A call that a generation served, itself or by its fallback.
    pub(crate) fn served(&self, generation: Generation, time: Duration) {
        self.calls[index(generation)].fetch_add(1, Ordering::Relaxed);
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.slowest_ns.fetch_max(nanos, Ordering::Relaxed);
    }

    pub(crate) fn fell_back(&self) {
        self.by_fallback.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn failed(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn wrong(&self) {
        self.wrong.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn counts(&self) -> Counts {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let mut counts = Counts {
            by_fallback: load(&self.by_fallback),
            failed: load(&self.failed),
            wrong: load(&self.wrong),
            ..Counts::default()
        };
        for (calls, sequence) in self.calls.iter().zip(&self.sequences) {
            let (calls, sequence) = (load(calls), load(sequence));
            counts.calls += calls;
            if calls > 0 && sequence > 0 {
                *counts.by_release.entry(sequence).or_default() += calls;
            }
        }
        counts
    }

    /// The time of the slowest call since it was last asked for.
    pub(crate) fn take_slowest(&self) -> Duration {
        Duration::from_nanos(self.slowest_ns.swap(0, Ordering::Relaxed))
    }
}

fn index(generation: Generation) -> usize {
    usize::try_from(generation.get()).map_or(0, |number| number % GENERATIONS)
}
