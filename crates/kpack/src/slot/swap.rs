use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use arc_swap::ArcSwap;
use kpack_schema::KernelId;

use super::error::{InterfaceError, RollbackError, StageError};
use super::interface::{self, BoundTo};
use super::serving::{Generation, Serving};
use crate::candidate::Candidate;
use crate::dispatch::Dispatcher;

/// What serves, what served before, and what the host has bound.
pub(super) struct Swapper {
    current: ArcSwap<Serving>,
    /// That of `current`, or for a moment the one before: what a call looks at.
    generation: AtomicU64,
    required: Vec<KernelId>,
    state: Mutex<State>,
}

/// Only swaps, rollbacks and binding take the lock; calls never do.
struct State {
    previous: Option<Arc<Serving>>,
    bound: Vec<Weak<BoundTo>>,
}

/// What a rollback did.
pub(super) struct RolledBack {
    pub(super) from: Arc<Serving>,
    pub(super) now: Arc<Serving>,
}

/// That the host's calls find in a pack what they call: whatever was bound by then.
pub(super) struct Checked {
    bound: Vec<Arc<BoundTo>>,
}

impl Swapper {
    pub(super) fn new(first: Serving, required: Vec<KernelId>) -> Self {
        Self {
            generation: AtomicU64::new(first.generation().get()),
            current: ArcSwap::from_pointee(first),
            required,
            state: Mutex::new(State {
                previous: None,
                bound: Vec::new(),
            }),
        }
    }

    pub(super) fn current(&self) -> Arc<Serving> {
        self.current.load_full()
    }

    pub(super) fn previous(&self) -> Option<Arc<Serving>> {
        self.state().previous.clone()
    }

    /// Whether another pack has come since.
    pub(super) fn is_current(&self, generation: Generation) -> bool {
        self.generation.load(Ordering::Acquire) == generation.get()
    }

    /// Has every later swap ask for what is bound. `None` when a swap came before, so that nothing is
    /// known of the pack that serves now.
    pub(super) fn register(&self, bound: &Arc<BoundTo>, generation: Generation) -> Option<()> {
        let mut state = self.state();
        if !self.is_current(generation) {
            return None;
        }
        state.bound.retain(|bound| bound.strong_count() > 0);
        state.bound.push(Arc::downgrade(bound));
        Some(())
    }

    pub(super) fn check(&self, candidate: &Dispatcher) -> Result<Checked, InterfaceError> {
        let serving = self.current();
        interface::check_required(&self.required, candidate, Some(serving.dispatcher()))?;
        let bound = self.state().live();
        interface::check_bound(&bound, candidate, serving.dispatcher())?;
        Ok(Checked { bound })
    }

    /// Accepts the pack and lets it serve.
    ///
    /// The floor rises last of all that can fail, and nothing can fail between that and the store: a
    /// pack that does not come to serve locks no other out. Would the store come first, a pack that
    /// is refused for a floor that rose meanwhile had served for a moment.
    pub(super) fn swap(
        &self,
        candidate: Candidate,
        dispatcher: Dispatcher,
        checked: &Checked,
    ) -> Result<Arc<Serving>, StageError> {
        let mut state = self.state();
        let serving = self.current();
        // What was bound while the pack was tried.
        let mut late = state.live();
        late.retain(|bound| !checked.bound.iter().any(|known| Arc::ptr_eq(known, bound)));
        interface::check_bound(&late, &dispatcher, serving.dispatcher())?;
        candidate.accept()?;
        let now = Arc::new(Serving::new(serving.generation().next(), dispatcher));
        self.store(&now);
        let retired = state.previous.replace(serving);
        drop(state);
        // Unmapping its code takes its time.
        drop(retired);
        Ok(now)
    }

    /// `turn_down` is told of the pack before another serves: whoever sees that it no longer does
    /// finds it refused.
    pub(super) fn rollback(
        &self,
        turn_down: impl FnOnce(&Serving),
    ) -> Result<RolledBack, RollbackError> {
        let mut state = self.state();
        let before = state.previous.take().ok_or(RollbackError::NothingBefore)?;
        let from = self.current();
        turn_down(&from);
        let generation = from.generation().next();
        let now = Arc::new(Serving::new(generation, before.dispatcher().clone()));
        self.store(&now);
        Ok(RolledBack { from, now })
    }

    fn store(&self, now: &Arc<Serving>) {
        self.current.store(Arc::clone(now));
        // Whoever sees the number finds at least this pack.
        self.generation
            .store(now.generation().get(), Ordering::Release);
    }

    /// Nothing is half done when a holder of the lock panics: each change is one assignment.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn live(&self) -> Vec<Arc<BoundTo>> {
        self.bound.iter().filter_map(Weak::upgrade).collect()
    }
}
