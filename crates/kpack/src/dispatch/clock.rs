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
