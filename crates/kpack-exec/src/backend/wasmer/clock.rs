#![expect(
    unsafe_code,
    reason = "the clock is shown in globals of running instances, which lie in the engine's memory"
)]

use std::collections::BTreeSet;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::backend::ticker::Ticked;

/// The ticks since the backend was made, shown in a global of every instance.
#[derive(Debug, Default)]
pub(super) struct Clock {
    ticks: AtomicU64,
    faces: Mutex<BTreeSet<Face>>,
}

/// The 8 bytes of an instance that show the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Face(NonNull<AtomicU64>);

// SAFETY: a face is only a place; using it is what `Clock::show` is about.
unsafe impl Send for Face {}

impl Clock {
    /// The count at which a call that starts now and is given `ticks` ends.
    ///
    /// One more than its ticks, because the first one may be about to pass.
    pub(super) fn deadline(&self, ticks: u64) -> i64 {
        let now = self.ticks.load(Ordering::Relaxed);
        let end = now.saturating_add(ticks).saturating_add(1);
        i64::try_from(end).unwrap_or(i64::MAX)
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
        shown.store(self.ticks.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    fn faces(&self) -> MutexGuard<'_, BTreeSet<Face>> {
        self.faces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticked for Clock {
    fn advance(&self, ticks: u64) {
        let faces = self.faces();
        self.ticks.fetch_add(ticks, Ordering::Relaxed);
        for &face in faces.iter() {
            self.write(face);
        }
    }
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
        let clock = Clock::default();
        assert_eq!(clock.deadline(5), 6);
        clock.advance(10);
        assert_eq!(clock.deadline(5), 16);
        assert_eq!(clock.deadline(u64::MAX), i64::MAX);
    }

    #[test]
    fn a_place_shows_the_time_from_the_start_to_the_end() {
        let clock = Arc::new(Clock::default());
        clock.advance(3);
        let place = AtomicU64::new(0);
        // SAFETY: the place outlives what is returned, and only the clock writes to it.
        let shown = unsafe { clock.show(NonNull::from(&place).cast()) };
        assert_eq!(place.load(Ordering::Relaxed), 3);
        clock.advance(2);
        assert_eq!(place.load(Ordering::Relaxed), 5);
        drop(shown);
        clock.advance(1);
        assert_eq!(place.load(Ordering::Relaxed), 5);
        assert!(clock.faces().is_empty());
    }
}
