//! The clock behind the deadlines. It knows no engine.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// The length of one tick.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// What a ticker drives.
pub(crate) trait Ticked: Send + Sync + 'static {
    /// `ticks` have passed since the last time.
    fn advance(&self, ticks: u64);
}

/// A thread that tells its target how much time has passed; it ends when this handle is dropped.
pub(crate) struct Ticker {
    signal: Arc<Signal>,
}

struct Signal {
    stop: Mutex<bool>,
    wake: Condvar,
    running: AtomicBool,
}

impl Ticker {
    /// Starts the thread.
    pub(crate) fn start(target: Arc<dyn Ticked>) -> io::Result<Self> {
        let signal = Arc::new(Signal {
            stop: Mutex::new(false),
            wake: Condvar::new(),
            running: AtomicBool::new(true),
        });
        let guard = RunningGuard(Arc::clone(&signal));
        thread::Builder::new()
            .name("kpack-ticker".into())
            .spawn(move || tick(&guard.0, target.as_ref()))?;
        Ok(Self { signal })
    }

    /// Whether the thread still ticks.
    pub(crate) fn is_running(&self) -> bool {
        self.signal.running.load(Ordering::Relaxed)
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        *self
            .signal
            .stop
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = true;
        self.signal.wake.notify_all();
    }
}

/// Marks the thread as gone however it ends, a panic included.
struct RunningGuard(Arc<Signal>);

impl Drop for RunningGuard {
    fn drop(&mut self) {
        self.0.running.store(false, Ordering::Relaxed);
    }
}

/// Ticks by the clock, not by the number of wake-ups: a late wake-up is made good at once.
fn tick(signal: &Signal, target: &dyn Ticked) {
    let start = Instant::now();
    let mut ticked = 0;
    let mut stop = signal.stop.lock().unwrap_or_else(PoisonError::into_inner);
    while !*stop {
        let due = ticks_in(start.elapsed());
        if due > ticked {
            target.advance(due - ticked);
            ticked = due;
        }
        let next = duration_of(ticked.saturating_add(1)).saturating_sub(start.elapsed());
        stop = signal
            .wake
            .wait_timeout(stop, next)
            .unwrap_or_else(PoisonError::into_inner)
            .0;
    }
}

fn ticks_in(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_nanos() / TICK.as_nanos()).unwrap_or(u64::MAX)
}

fn duration_of(ticks: u64) -> Duration {
    Duration::from_millis(ticks.saturating_mul(10))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicU64);

    impl Ticked for Count {
        fn advance(&self, ticks: u64) {
            self.0.fetch_add(ticks, Ordering::Relaxed);
        }
    }

    #[test]
    fn ticks_follow_the_clock() {
        let count = Arc::new(Count::default());
        let start = Instant::now();
        let ticker = Ticker::start(count.clone()).unwrap();
        thread::sleep(Duration::from_millis(300));
        let seen = count.0.load(Ordering::Relaxed);
        let most = ticks_in(start.elapsed());
        assert!(seen <= most, "{seen} ticks in {most} x 10 ms");
        assert!(seen >= 20, "{seen} ticks in 300 ms");
        assert!(ticker.is_running());
    }

    #[test]
    fn dropping_the_handle_ends_the_thread() {
        let count = Arc::new(Count::default());
        let ticker = Ticker::start(count.clone()).unwrap();
        let signal = Arc::clone(&ticker.signal);
        drop(ticker);
        let deadline = Instant::now() + Duration::from_secs(5);
        while signal.running.load(Ordering::Relaxed) {
            assert!(Instant::now() < deadline, "the ticker thread did not end");
            thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(
            Arc::strong_count(&count),
            1,
            "the thread let go of its target"
        );
    }

    #[test]
    fn a_thread_that_panics_is_noticed() {
        struct Broken;
        impl Ticked for Broken {
            fn advance(&self, _: u64) {
                panic!("a broken target");
            }
        }
        let ticker = Ticker::start(Arc::new(Broken)).unwrap();
        let deadline = Instant::now() + Duration::from_secs(5);
        while ticker.is_running() {
            assert!(Instant::now() < deadline, "the death went unnoticed");
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn long_uptimes_do_not_overflow() {
        assert_eq!(duration_of(u64::MAX).as_millis(), u128::from(u64::MAX));
        assert_eq!(ticks_in(Duration::MAX), u64::MAX);
    }
}
