use std::sync::Arc;
use std::time::{Duration, Instant};

/// A clock that never goes back: what a kernel is set aside by.
///
/// A function or closure is one.
pub trait MonotonicClock: Send + Sync {
    /// The time since a moment that stays the same.
    fn now(&self) -> Duration;
}

impl<F: Fn() -> Duration + Send + Sync> MonotonicClock for F {
    fn now(&self) -> Duration {
        self()
    }
}

/// The system's clock, which does not follow the wall clock.
pub(crate) fn since_now() -> Arc<dyn MonotonicClock> {
    let start = Instant::now();
    Arc::new(move || start.elapsed())
}

/// What the times of calls are taken by.
///
/// Where the processor's counter of cycles is steady, that is read: the system's clock takes three times as
/// long, and waits for whatever the processor has begun, which a call of a microsecond would feel. What
/// the counter shows is off by what the processor does ahead of its turn, some ten nanoseconds.
#[derive(Debug, Clone)]
pub(super) struct Stopwatch(quanta::Clock);

impl Stopwatch {
    /// The first one of a process takes some milliseconds, in which the counter is held against the
    /// system's clock.
    pub(super) fn new() -> Self {
        Self(quanta::Clock::new())
    }

    /// Runs something and takes its time.
    #[inline]
    pub(super) fn time<T>(&self, run: impl FnOnce() -> T) -> (T, Duration) {
        let start = self.0.raw();
        let result = run();
        let end = self.0.raw();
        let time = self.0.delta_as_nanos(start, end);
        (result, Duration::from_nanos(time))
    }
}
