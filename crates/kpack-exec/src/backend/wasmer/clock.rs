#![expect(
    unsafe_code,
    reason = "the clock is shown in globals of running instances, which lie in the engine's memory"
)]

use std::collections::BTreeSet;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::backend::budget::TICK;
use crate::backend::ticker::Ticked;

/// The nanoseconds since the backend was made, shown in a global of every instance.
///
/// What is shown changes once a tick, and later on a busy machine. A deadline therefore is not
/// counted from it but from the time itself: a late tick gives a call more time, never less.
#[derive(Debug)]
pub(super) struct Clock {
    start: Instant,
    faces: Mutex<BTreeSet<Face>>,
}

/// The 8 bytes of an instance that show the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Face(NonNull<AtomicU64>);

// SAFETY: a face is only a place; using it is what `Clock::show` is about.
unsafe impl Send for Face {}

impl Clock {
    pub(super) fn new() -> Self {
        Self {
            start: Instant::now(),
            faces: Mutex::default(),
        }
    }

    /// The time at which a call that starts now and is given `ticks` ends.
    pub(super) fn deadline(&self, ticks: u64) -> i64 {
        end(self.start.elapsed(), ticks)
    }

    /// Shows the clock at `place` from now on, until what it returns is dropped.
    ///
    /// # Safety
    ///
    /// Until then, `place` must be valid for atomic writes of 8 bytes from any thread, and nobody
    /// else may write to it.
    pub(super) unsafe fn show(self: &Arc<Self>, place: NonNull<u64>) -> Shown {
        let face = Face(place.cast());
        let mut faces = self.faces();
        self.write(face);
        faces.insert(face);
        Shown {
            clock: Arc::clone(self),
            face,
        }
    }

    /// To be called for faces in the set, or about to be, with the set locked.
    fn write(&self, face: Face) {
        // SAFETY: who gave the place to `show` keeps it valid as long as the face is in the set.
        let shown = unsafe { face.0.as_ref() };
        shown.store(nanos(self.start.elapsed()), Ordering::Relaxed);
    }

    fn faces(&self) -> MutexGuard<'_, BTreeSet<Face>> {
        self.faces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticked for Clock {
    fn tick(&self) {
        let faces = self.faces();
        for &face in faces.iter() {
            self.write(face);
        }
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn end(now: Duration, ticks: u64) -> i64 {
    let allowed = ticks.saturating_mul(nanos(TICK));
    i64::try_from(nanos(now).saturating_add(allowed)).unwrap_or(i64::MAX)
}

/// A place shows the clock while this lives.
#[derive(Debug)]
pub(super) struct Shown {
    clock: Arc<Clock>,
    face: Face,
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.clock.faces().remove(&self.face);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_cannot_wrap_around() {
        assert_eq!(end(Duration::from_nanos(7), 5), 50_000_007);
        assert_eq!(end(Duration::from_nanos(7), u64::MAX), i64::MAX);
        assert_eq!(end(Duration::MAX, 5), i64::MAX);
    }

    #[test]
    fn a_place_shows_the_time_from_the_start_to_the_end() {
        let clock = Arc::new(Clock::new());
        let place = AtomicU64::new(0);
        // SAFETY: the place outlives what is returned, and only the clock writes to it.
        let shown = unsafe { clock.show(NonNull::from(&place).cast()) };
        let first = place.load(Ordering::Relaxed);
        assert!(first > 0);
        clock.tick();
        let second = place.load(Ordering::Relaxed);
        assert!(second > first);
        drop(shown);
        clock.tick();
        assert_eq!(place.load(Ordering::Relaxed), second);
        assert!(clock.faces().is_empty());
    }
}
