use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock};

/// What may serve when, as the operator and everybody who calls have to agree.
///
/// The operator [begins](Self::begin) a change before it can be seen by any call, and
/// [finishes](Self::finish) it when none that starts from then on may see what was there before.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// The releases that served one after another, with those that are about to.
    order: RwLock<Vec<u32>>,
    /// The place of the last one that serves for certain.
    finished: AtomicUsize,
    /// Calls that gave a result.
    served: AtomicU64,
    /// Calls that the callers are in no hurry beyond.
    wanted: AtomicU64,
    stop: AtomicBool,
}

/// When a call began.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Since(usize);

impl Watch {
    pub(crate) fn starting_with(release: u32) -> Self {
        Self {
            order: RwLock::new(vec![release]),
            ..Self::default()
        }
    }

    pub(crate) fn begin(&self, release: u32) {
        let mut order = self.order.write().unwrap_or_else(PoisonError::into_inner);
        order.push(release);
    }

    pub(crate) fn finish(&self) {
        self.finished.fetch_add(1, Ordering::SeqCst);
    }

    /// To be asked before a call.
    pub(crate) fn since(&self) -> Since {
        Since(self.finished.load(Ordering::SeqCst))
    }

    /// Whether a call that has ended by now and began then could be served by this release.
    pub(crate) fn may_be_of(&self, release: u32, since: Since) -> bool {
        let order = self.order.read().unwrap_or_else(PoisonError::into_inner);
        order[since.0..].contains(&release)
    }

    pub(crate) fn count(&self) -> u64 {
        self.served.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn served(&self) -> u64 {
        self.served.load(Ordering::Relaxed)
    }

    /// Lets the callers go on at full speed until so many calls were served.
    pub(crate) fn want(&self, calls: u64) {
        self.wanted.store(calls, Ordering::Relaxed);
    }

    pub(crate) fn wanted(&self) -> u64 {
        self.wanted.load(Ordering::Relaxed)
    }

    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    pub(crate) fn has_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_may_be_of_what_served_when_it_began_or_came_since() {
        let watch = Watch::starting_with(1);
        let early = watch.since();
        assert!(watch.may_be_of(1, early) && !watch.may_be_of(2, early));
        watch.begin(2);
        let between = watch.since();
        assert!(watch.may_be_of(1, between) && watch.may_be_of(2, between));
        watch.finish();
        let late = watch.since();
        assert!(!watch.may_be_of(1, late), "what it replaced");
        assert!(watch.may_be_of(2, late));
        assert!(watch.may_be_of(1, early) && watch.may_be_of(2, early));
        watch.begin(1);
        assert!(watch.may_be_of(1, late), "rolled back");
    }
}
