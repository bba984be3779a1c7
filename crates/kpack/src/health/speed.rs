use std::time::{Duration, Instant};

use kpack_exec::{CallError, Fault};

use super::policy::Slowdown;

/// How long a call takes in two packs, each the median of several samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallTimes {
    /// In the pack that is to serve.
    pub candidate: Duration,
    /// In the pack that serves.
    pub serving: Duration,
}

/// Measures the same call in two packs. [`ByTurns`] does so by the clock; a host may have a better way,
/// and a test one that does not depend on a clock.
pub trait CompareSpeed: Send + Sync {
    /// Measures both calls; `None` when the serving pack's cannot be made, so that there is nothing to
    /// compare with.
    ///
    /// # Errors
    ///
    /// When the candidate's call fails.
    fn compare(
        &self,
        candidate: &mut dyn FnMut() -> Result<(), CallError>,
        serving: &mut dyn FnMut() -> Result<(), CallError>,
    ) -> Result<Option<CallTimes>, CallError>;
}

/// Samples of both calls in turns, so that whatever else the machine does weighs on both alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ByTurns;

/// The turns of a measurement, unless its calls are so slow that fewer must do.
const TURNS: usize = 11;
const FEWEST_TURNS: usize = 3;
/// After so long no turn beyond the fewest is begun.
const LONG_ENOUGH: Duration = Duration::from_millis(200);
/// A sample repeats a short call until it takes about as long.
const SAMPLE: Duration = Duration::from_micros(100);
const MAX_REPETITIONS: u32 = 1_000;
/// A verdict that a kernel is slow must come out so often in a row.
const CONFIRMATIONS: usize = 3;
/// How often a measurement is begun in which a call of the candidate runs out of time. It makes thousands
/// of calls, each of which a busy machine can hold up, and the kernel has passed the vector by then.
const TRIES: usize = 3;

impl CompareSpeed for ByTurns {
    fn compare(
        &self,
        candidate: &mut dyn FnMut() -> Result<(), CallError>,
        serving: &mut dyn FnMut() -> Result<(), CallError>,
    ) -> Result<Option<CallTimes>, CallError> {
        let began = Instant::now();
        by_turns(&|| began.elapsed(), candidate, serving)
    }
}

/// Both calls by turns, timed by this clock.
fn by_turns(
    now: &dyn Fn() -> Duration,
    candidate: &mut dyn FnMut() -> Result<(), CallError>,
    serving: &mut dyn FnMut() -> Result<(), CallError>,
) -> Result<Option<CallTimes>, CallError> {
    // Whatever is done at a first call is done here.
    candidate()?;
    if serving().is_err() {
        return Ok(None);
    }
    let repetitions = repetitions_of(sample(now, 1, candidate)?);
    let start = now();
    let mut samples = [Vec::new(), Vec::new()];
    for turn in 0..TURNS {
        if turn >= FEWEST_TURNS && now().saturating_sub(start) > LONG_ENOUGH {
            break;
        }
        samples[0].push(sample(now, repetitions, candidate)?);
        match sample(now, repetitions, serving) {
            Ok(time) => samples[1].push(time),
            Err(_) => return Ok(None),
        }
    }
    let [candidate, serving] = samples.map(median);
    Ok(Some(CallTimes { candidate, serving }))
}

/// How often a sample repeats a call that takes so long.
fn repetitions_of(call: Duration) -> u32 {
    let repetitions = SAMPLE.as_nanos() / call.max(Duration::from_nanos(1)).as_nanos();
    u32::try_from(repetitions)
        .unwrap_or(MAX_REPETITIONS)
        .clamp(1, MAX_REPETITIONS)
}

/// The times of a kernel that is too slow, if it is so each time it is measured.
pub(crate) fn too_slow(
    rule: &Slowdown,
    speed: &dyn CompareSpeed,
    candidate: &mut dyn FnMut() -> Result<(), CallError>,
    serving: &mut dyn FnMut() -> Result<(), CallError>,
) -> Result<Option<CallTimes>, CallError> {
    let mut slow = None;
    for _ in 0..CONFIRMATIONS {
        slow = match measure(speed, candidate, serving)? {
            Some(times) if rule.refuses(times) => Some(times),
            _ => return Ok(None),
        };
    }
    Ok(slow)
}

/// One measurement, however often it takes to be begun; the last try's deadline stands.
fn measure(
    speed: &dyn CompareSpeed,
    candidate: &mut dyn FnMut() -> Result<(), CallError>,
    serving: &mut dyn FnMut() -> Result<(), CallError>,
) -> Result<Option<CallTimes>, CallError> {
    for _ in 1..TRIES {
        match speed.compare(candidate, serving) {
            Err(CallError::Fault(Fault::Deadline { .. })) => {}
            ended => return ended,
        }
    }
    speed.compare(candidate, serving)
}

/// The time of a call, over several.
fn sample(
    now: &dyn Fn() -> Duration,
    repetitions: u32,
    call: &mut dyn FnMut() -> Result<(), CallError>,
) -> Result<Duration, CallError> {
    let start = now();
    for _ in 0..repetitions {
        call()?;
    }
    Ok(now().saturating_sub(start) / repetitions)
}

fn median(mut samples: Vec<Duration>) -> Duration {
    samples.sort_unstable();
    samples[samples.len() / 2]
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Answers with each of the given ratios in turn.
    struct Told(std::sync::Mutex<Vec<u64>>);

    impl CompareSpeed for Told {
        fn compare(
            &self,
            candidate: &mut dyn FnMut() -> Result<(), CallError>,
            _serving: &mut dyn FnMut() -> Result<(), CallError>,
        ) -> Result<Option<CallTimes>, CallError> {
            candidate()?;
            let mut told = self.0.lock().unwrap();
            Ok(told.pop().map(|times| CallTimes {
                candidate: Duration::from_millis(times),
                serving: Duration::from_millis(1),
            }))
        }
    }

    fn verdict(told: &[u64]) -> Option<Duration> {
        let speed = Told(told.iter().rev().copied().collect::<Vec<_>>().into());
        let (rule, mut nothing) = (Slowdown::default(), || Ok(()));
        let times = too_slow(&rule, &speed, &mut nothing, &mut || Ok(())).unwrap();
        times.map(|times| times.candidate)
    }

    #[test]
    fn one_bad_measurement_is_no_verdict() {
        assert_eq!(verdict(&[9, 9, 1]), None);
        assert_eq!(verdict(&[9, 1, 9]), None);
        assert_eq!(verdict(&[9, 8, 7]), Some(Duration::from_millis(7)));
        assert_eq!(verdict(&[9, 9]), None, "nothing to compare with");
    }

    /// The verdict on a kernel as fast as before, the first calls of which end so, and the number of calls.
    fn after(failures: usize, failure: fn() -> CallError) -> (Result<(), CallError>, usize) {
        let (speed, rule) = (Told(vec![1].into()), Slowdown::default());
        let mut calls = 0;
        let mut candidate = || {
            calls += 1;
            if calls > failures {
                Ok(())
            } else {
                Err(failure())
            }
        };
        let verdict = too_slow(&rule, &speed, &mut candidate, &mut || Ok(()));
        let verdict = verdict.map(|times| assert_eq!(times, None));
        (verdict, calls)
    }

    #[test]
    fn a_measurement_that_runs_out_of_time_is_begun_again() {
        let late = || {
            let fault = Fault::Deadline { ticks: 1 };
            CallError::Fault(fault)
        };
        assert!(matches!(after(TRIES - 1, late), (Ok(()), TRIES)));
        let (verdict, calls) = after(TRIES, late);
        assert_eq!((verdict.unwrap_err().kind(), calls), ("deadline", TRIES));
        // No other fault is a busy machine's.
        let (verdict, calls) = after(1, || CallError::Fault(Fault::Unreachable));
        assert_eq!((verdict.unwrap_err().kind(), calls), ("unreachable", 1));
    }

    /// What calls that take so many microseconds are measured to take, and how many were made, by a
    /// clock that only they move.
    fn measured(candidate: u64, serving: u64) -> (CallTimes, u64) {
        let (time, calls) = (Cell::new(Duration::ZERO), Cell::new(0));
        let takes = |micros: u64| {
            time.set(time.get() + Duration::from_micros(micros));
            calls.set(calls.get() + 1);
            Ok(())
        };
        let times = by_turns(&|| time.get(), &mut || takes(candidate), &mut || {
            takes(serving)
        });
        (times.unwrap().unwrap(), calls.get())
    }

    #[test]
    fn a_call_is_measured_as_what_it_takes() {
        for (candidate, serving, turns, repetitions) in [
            (20, 1, 11, 5),
            (1, 20, 11, 100),
            // No call is too long for one a sample, and the longest are sampled three times.
            (500, 400, 11, 1),
            (900_000, 300_000, 3, 1),
        ] {
            let (times, calls) = measured(candidate, serving);
            assert_eq!(times.candidate, Duration::from_micros(candidate));
            assert_eq!(times.serving, Duration::from_micros(serving));
            // And the first two, and the one by which the candidate's calls are counted out.
            assert_eq!(calls, 3 + 2 * turns * repetitions, "of {candidate}");
        }
        assert_eq!(repetitions_of(Duration::ZERO), MAX_REPETITIONS);
    }

    #[test]
    fn one_sample_in_three_does_not_move_the_median() {
        let times = [5, 900, 6].map(Duration::from_micros);
        assert_eq!(median(times.to_vec()), Duration::from_micros(6));
    }

    #[test]
    fn both_are_called_as_often() {
        let calls = [Cell::new(0), Cell::new(0)];
        let count = |at: usize| calls[at].set(calls[at].get() + 1);
        let times = ByTurns.compare(
            &mut || {
                count(0);
                Ok(())
            },
            &mut || {
                count(1);
                Ok(())
            },
        );
        assert!(times.unwrap().is_some());
        // But for the one by which the candidate's calls are counted out.
        assert_eq!(calls[0].get(), calls[1].get() + 1);
    }

    #[test]
    fn a_serving_pack_that_fails_is_none_to_compare_with() {
        let failed = || CallError::NoResult { output: "y".into() };
        let times = ByTurns.compare(&mut || Ok(()), &mut || Err(failed()));
        assert!(times.unwrap().is_none());
        assert!(
            ByTurns
                .compare(&mut || Err(failed()), &mut || Ok(()))
                .is_err()
        );
    }
}
