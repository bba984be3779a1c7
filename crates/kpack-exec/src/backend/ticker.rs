//! The clock behind the deadlines. It knows no engine.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use super::budget::TICK;

/// What a ticker drives.
pub(crate) trait Ticked: Send + Sync + 'static {
    /// Another tick, or more where the machine was busy, has passed.
    fn tick(&self);
}

/// A thread that tells its target when time has passed; it ends when this handle is dropped.
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

/// Ticks at intervals of one [`TICK`] or more. A late wake-up delays the ticks behind it: were it made
/// good at once, the calls that run just then would lose the time that the thread overslept.
fn tick(signal: &Signal, target: &dyn Ticked) {
    let mut last = Instant::now();
    let mut stop = signal.stop.lock().unwrap_or_else(PoisonError::into_inner);
    while !*stop {
        let left = TICK.saturating_sub(last.elapsed());
        if left.is_zero() {
            target.tick();
            // Behind the tick, so that being kept from running in between shortens none.
            last = Instant::now();
        } else {
            let waited = signal.wake.wait_timeout(stop, left);
            stop = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;
    use std::time::Duration;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicU64);

    impl Ticked for Count {
        fn tick(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn ticks_follow_the_clock() {
        let count = Arc::new(Count::default());
        let start = Instant::now();
        let ticker = Ticker::start(count.clone()).unwrap();
        thread::sleep(Duration::from_millis(300));
        let seen = count.0.load(Ordering::Relaxed);
        let most = start.elapsed().as_millis() / TICK.as_millis();
        assert!(u128::from(seen) <= most, "{seen} ticks in {most} x 10 ms");
        assert!(seen > 0, "no tick in 300 ms");
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
            fn tick(&self) {
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
}
