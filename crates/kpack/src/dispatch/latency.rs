//! A histogram of times whose buckets are fixed: eight of equal width for each power of two.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A power of two is cut into 2^3 buckets.
const BITS: u32 = 3;
const PARTS: usize = 1 << BITS;

/// Times from 2^40 ns (18 minutes) on are in the last bucket.
const POWERS: u32 = 40;
const BUCKETS: usize = {
    let powers = POWERS - BITS + 1;
    PARTS * powers as usize
};

/// How often calls took how long, as it was at one moment.
///
/// Times are counted in buckets an eighth of a power of two wide, exactly below 8 ns: what is read of
/// them is off by at most a sixteenth (6.25 %). Times of 18 minutes and more are not told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Latency {
    buckets: Box<[u64]>,
    total_ns: u64,
}

/// A histogram that is written to while others read it.
#[derive(Debug)]
pub(super) struct Histogram {
    buckets: Box<[AtomicU64]>,
    total_ns: AtomicU64,
}

impl Latency {
    /// How many calls were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// The time of all calls together.
    #[must_use]
    pub const fn total(&self) -> Duration {
        Duration::from_nanos(self.total_ns)
    }

    /// The calls that were counted since `earlier`, an earlier snapshot of the same.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let buckets = self.buckets.iter().zip(&earlier.buckets);
        Self {
            buckets: buckets
                .map(|(now, before)| now.saturating_sub(*before))
                .collect(),
            total_ns: self.total_ns.wrapping_sub(earlier.total_ns),
        }
    }

    /// The time that this part of the calls did not exceed, such as 0.99; `None` where there was no
    /// call. Off by at most a sixteenth.
    #[must_use]
    pub fn quantile(&self, part: f64) -> Option<Duration> {
        let count = self.count();
        let rank = rank(part, count);
        let mut below = 0;
        let bucket = self.buckets.iter().position(|&calls| {
            below += calls;
            below >= rank && below > 0
        });
        bucket.map(middle)
    }

    /// The buckets that are not empty: the middle of each, and how many calls are in it.
    pub fn buckets(&self) -> impl Iterator<Item = (Duration, u64)> {
        let calls = self.buckets.iter().enumerate();
        calls
            .filter(|&(_, &calls)| calls > 0)
            .map(|(bucket, &calls)| (middle(bucket), calls))
    }
}

impl Default for Latency {
    fn default() -> Self {
        Self {
            buckets: vec![0; BUCKETS].into(),
            total_ns: 0,
        }
    }
}

impl Histogram {
    /// Counts a call; any thread may.
    pub(super) fn add(&self, time: Duration) {
        let ns = nanoseconds(time);
        self.buckets[bucket(ns)].fetch_add(1, Ordering::Relaxed);
        self.total_ns.fetch_add(ns, Ordering::Relaxed);
    }

    /// Counts a call of the one thread that writes: without the cost of excluding others.
    #[inline]
    pub(super) fn add_alone(&self, time: Duration) {
        let ns = nanoseconds(time);
        let add = |to: &AtomicU64, value: u64| {
            let sum = to.load(Ordering::Relaxed).wrapping_add(value);
            to.store(sum, Ordering::Relaxed);
        };
        add(&self.buckets[bucket(ns)], 1);
        add(&self.total_ns, ns);
    }

    /// Takes over all calls of another, to which nobody writes any more.
    pub(super) fn absorb(&self, other: &Self) {
        for (to, from) in self.buckets.iter().zip(&other.buckets) {
            to.fetch_add(from.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        let total = other.total_ns.load(Ordering::Relaxed);
        self.total_ns.fetch_add(total, Ordering::Relaxed);
    }

    /// Adds what is counted by now.
    pub(super) fn add_to(&self, latency: &mut Latency) {
        for (to, from) in latency.buckets.iter_mut().zip(&self.buckets) {
            *to += from.load(Ordering::Relaxed);
        }
        let total = self.total_ns.load(Ordering::Relaxed);
        latency.total_ns = latency.total_ns.wrapping_add(total);
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            buckets: std::iter::repeat_with(AtomicU64::default)
                .take(BUCKETS)
                .collect(),
            total_ns: AtomicU64::new(0),
        }
    }
}

/// As far as 584 years.
#[inline]
fn nanoseconds(time: Duration) -> u64 {
    let whole = time.as_secs().saturating_mul(1_000_000_000);
    whole.saturating_add(u64::from(time.subsec_nanos()))
}

/// The bucket that a time belongs to.
#[inline]
fn bucket(ns: u64) -> usize {
    let ns = ns.min((1 << POWERS) - 1);
    let power = (ns | 1).ilog2().max(BITS) - BITS;
    // The leading bits behind the first are the part; below 8 the whole number is.
    let part = ns >> power;
    let bucket = u64::from(power) * (1 << BITS) + part;
    usize::try_from(bucket).expect("there are few buckets")
}

/// The time in the middle of a bucket.
fn middle(bucket: usize) -> Duration {
    let (power, part) = match bucket / PARTS {
        0 => (0, bucket),
        power => (power - 1, PARTS + bucket % PARTS),
    };
    let part = u64::try_from(part).expect("a bucket is of few parts");
    let width = 1_u64 << power;
    Duration::from_nanos(part * width + width / 2)
}

/// How many calls are the part, at least one.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rank of more than 2^53 calls may be off by one, and the cast saturates"
)]
fn rank(part: f64, count: u64) -> u64 {
    let rank = (part.clamp(0.0, 1.0) * count as f64).ceil() as u64;
    rank.clamp(1, count.max(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_read_of_a_time_is_off_by_a_sixteenth_at_most(ns in 0_u64..1 << POWERS) {
            let read = u64::try_from(middle(bucket(ns)).as_nanos()).unwrap();
            prop_assert!(read.abs_diff(ns) <= ns / 16, "{ns} is read as {read}");
        }

        #[test]
        fn buckets_follow_the_times(a in 0_u64.., b in 0_u64..) {
            prop_assert!(bucket(a.min(b)) <= bucket(a.max(b)));
            prop_assert!(bucket(a.max(b)) < BUCKETS);
        }

        #[test]
        fn quantiles_are_those_of_the_times(mut times in prop::collection::vec(0_u64..1 << 39, 1..200), part in 0.0..=1.0) {
            let histogram = Histogram::default();
            for &ns in &times {
                histogram.add_alone(Duration::from_nanos(ns));
            }
            let mut latency = Latency::default();
            histogram.add_to(&mut latency);
            times.sort_unstable();
            let rank = rank(part, u64::try_from(times.len()).unwrap());
            let exact = times[usize::try_from(rank).unwrap() - 1];
            let read = latency.quantile(part).unwrap();
            prop_assert_eq!(read, middle(bucket(exact)));
            prop_assert_eq!(latency.count(), u64::try_from(times.len()).unwrap());
            prop_assert_eq!(latency.total(), Duration::from_nanos(times.iter().sum()));
        }
    }

    #[test]
    fn every_bucket_is_the_bucket_of_its_middle() {
        for index in 0..BUCKETS {
            let ns = u64::try_from(middle(index).as_nanos()).unwrap();
            assert_eq!(bucket(ns), index, "{ns} ns");
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
        assert_eq!(Latency::default().quantile(0.5), None);
    }

    #[test]
    fn what_one_histogram_takes_over_of_another_is_in_it_once() {
        let (all, one) = (Histogram::default(), Histogram::default());
        all.add(Duration::from_micros(3));
        one.add_alone(Duration::from_micros(5));
        one.add_alone(Duration::from_micros(5));
        all.absorb(&one);
        let mut latency = Latency::default();
        all.add_to(&mut latency);
        let buckets: Vec<u64> = latency.buckets().map(|(_, calls)| calls).collect();
        assert_eq!(buckets, [1, 2]);
        assert_eq!(latency.total(), Duration::from_micros(13));
    }
}
