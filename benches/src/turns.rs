//! Two calls measured in turns.
//!
//! On a machine that others use as well, the difference of two calls that are measured one after the
//! other is mostly theirs. Here short batches of both alternate, so that both meet the same moments. The
//! ratio is that of the two medians; how far it can be trusted is seen when each batch is compared with
//! its neighbour only.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Serialize;

use crate::measure::{calls_per_batch, ns_per_call};
use crate::series::Ready;

/// Shorter than what a thread gets of a busy processor at a time, so that most batches are not
/// interrupted, and much longer than what reading the clock takes.
const BATCH: Duration = Duration::from_micros(400);

/// How long to measure.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Fresh instances of each side: where a memory happens to lie makes a difference of its own.
    pub instances: u32,
    /// The time for each of them.
    pub time: Duration,
    /// The pairs of batches that each makes even if they take longer.
    pub pairs: usize,
}

/// How the time of one call compares with another's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Ratio {
    /// The median time of a call of the one, in nanoseconds.
    pub one_ns: f64,
    /// The median time of a call of the other, in nanoseconds.
    pub other_ns: f64,
    /// The one's median time as a multiple of the other's.
    pub ratio: f64,
    /// In a quarter of the pairs of batches the one takes a smaller multiple of the other's time.
    pub lower_quartile: f64,
    /// In a quarter of the pairs of batches the one takes a larger multiple of the other's time.
    pub upper_quartile: f64,
}

/// Measures two calls in turns; each closure sets its call up anew.
///
/// # Errors
///
/// When a call cannot be set up.
pub fn by_turns<'a>(
    one: &mut dyn FnMut() -> Result<Ready<'a>>,
    other: &mut dyn FnMut() -> Result<Ready<'a>>,
    effort: Effort,
) -> Result<Ratio> {
    let mut pairs = Vec::new();
    for _ in 0..effort.instances {
        let (mut one, mut other) = (Side::new(one()?), Side::new(other()?));
        let (start, before) = (Instant::now(), pairs.len());
        while pairs.len() - before < effort.pairs || start.elapsed() < effort.time {
            // Neither side is always the first.
            pairs.push(if pairs.len() % 2 == 0 {
                let one = one.batch();
                (one, other.batch())
            } else {
                let other = other.batch();
                (one.batch(), other)
            });
        }
    }
    Ok(Ratio::of(&pairs))
}

struct Side<'a> {
    call: Ready<'a>,
    calls: u32,
}

impl<'a> Side<'a> {
    fn new(mut call: Ready<'a>) -> Self {
        let calls = calls_per_batch(&mut call, BATCH);
        Self { call, calls }
    }

    /// The time of a call in nanoseconds.
    fn batch(&mut self) -> f64 {
        // What the other side has taken of the caches comes back first.
        (self.call)();
        ns_per_call(&mut self.call, self.calls)
    }
}

impl Ratio {
    /// `pairs`: the times of the one and of the other.
    fn of(pairs: &[(f64, f64)]) -> Self {
        let sorted = |value: fn(&(f64, f64)) -> f64| {
            let mut values: Vec<f64> = pairs.iter().map(value).collect();
            values.sort_by(f64::total_cmp);
            values
        };
        let at = |values: &[f64], quarters: usize| values[(values.len() - 1) * quarters / 4];
        let one_ns = at(&sorted(|(one, _)| *one), 2);
        let other_ns = at(&sorted(|(_, other)| *other), 2);
        let ratios = sorted(|(one, other)| one / other);
        Self {
            one_ns: rounded(one_ns, 2),
            other_ns: rounded(other_ns, 2),
            ratio: rounded(one_ns / other_ns, 4),
            lower_quartile: rounded(at(&ratios, 1), 4),
            upper_quartile: rounded(at(&ratios, 3), 4),
        }
    }
}

/// Digits beyond what a measurement can tell would only make the files hard to compare.
pub(crate) fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn the_ratio_is_that_of_the_medians_and_the_quartiles_are_of_the_pairs() {
        let pairs = [
            (102.0, 100.0),
            (202.0, 200.0),
            (150.0, 100.0),
            (103.0, 100.0),
            (50.0, 50.0),
        ];
        let ratio = Ratio::of(&pairs);
        assert_eq!((ratio.one_ns, ratio.other_ns), (103.0, 100.0));
        assert_eq!(ratio.ratio, 1.03, "the middle pair's own is 1.02");
        let quartiles = (ratio.lower_quartile, ratio.upper_quartile);
        assert_eq!(quartiles, (1.01, 1.03));
    }

    #[test]
    fn both_sides_are_set_up_and_called_equally_often() {
        let (made, calls) = ([Cell::new(0), Cell::new(0)], [Cell::new(0), Cell::new(0)]);
        let count = |cell: &Cell<u32>| cell.set(cell.get() + 1);
        let side = |index: usize| -> Result<Ready<'_>> {
            count(&made[index]);
            let calls = &calls[index];
            Ok(Box::new(move || {
                count(calls);
                std::thread::sleep(BATCH);
            }))
        };
        let effort = Effort {
            instances: 3,
            time: Duration::ZERO,
            pairs: 2,
        };
        by_turns(&mut || side(0), &mut || side(1), effort).unwrap();
        assert_eq!(made.map(Cell::into_inner), [3, 3]);
        // A call that fills a batch is made once to find that out, and twice for each pair.
        assert_eq!(calls.map(Cell::into_inner), [15, 15]);
    }
}
