use std::fmt;

use crate::dispatch::Dispatcher;
use crate::pack::Pack;

/// Counts what has served in a slot: it rises by one with every swap and every rollback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(u64);

/// A pack while it serves, with the dispatcher that calls its kernels.
#[derive(Debug)]
pub struct Serving {
    generation: Generation,
    dispatcher: Dispatcher,
}

/// What became of a pack that passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Staged {
    /// It serves now.
    Swapped(Generation),
    /// It served already, and goes on.
    AlreadyServing(Generation),
}

impl Generation {
    /// The first pack of a slot.
    pub(super) const FIRST: Self = Self(1);

    pub(super) const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The number; 1 is the pack that a slot was started with.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl Serving {
    pub(super) const fn new(generation: Generation, dispatcher: Dispatcher) -> Self {
        Self {
            generation,
            dispatcher,
        }
    }

    /// Which pack of the slot it is.
    #[must_use]
    pub const fn generation(&self) -> Generation {
        self.generation
    }

    /// Calls the pack's kernels, and their fallbacks where one fails.
    #[must_use]
    pub const fn dispatcher(&self) -> &Dispatcher {
        &self.dispatcher
    }

    /// The pack.
    #[must_use]
    pub fn pack(&self) -> &Pack {
        self.dispatcher.pack()
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
