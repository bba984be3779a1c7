use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use kpack_schema::{Digest, PackName};

use super::error::StageStep;
use super::serving::Generation;

/// So many records are kept; the oldest makes place for the next.
const MAX_RECORDS: usize = 64;

/// What became of a pack that was staged, or a rollback.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SwapRecord {
    /// When it ended, by the system's clock.
    pub at: SystemTime,
    /// Where the pack came from: a path, or `in memory`.
    pub origin: String,
    /// The pack's name, once it was verified.
    pub pack: Option<PackName>,
    /// The digest of its manifest, once it was verified.
    pub manifest: Option<Digest>,
    /// The steps that were begun, each with the time that it took.
    pub steps: Vec<(StageStep, Duration)>,
    /// What became of it.
    pub outcome: SwapOutcome,
}

/// What became of a pack that was staged, or a rollback.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SwapOutcome {
    /// It serves, or did.
    Swapped(Generation),
    /// It served already.
    AlreadyServing(Generation),
    /// It was rolled back to.
    RolledBack(Generation),
    /// It was refused in the last of the steps.
    Refused {
        /// The [kind](crate::StageError::kind) of the error.
        kind: &'static str,
        /// The error and its causes.
        message: String,
    },
}

/// How often what happened since a slot was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SlotCounts {
    /// Packs that were swapped in, the first not counted.
    pub swapped: u64,
    /// Packs that served already.
    pub already_serving: u64,
    /// Packs that were judged and refused.
    pub refused: u64,
    /// Packs that were refused at once.
    pub refused_at_once: u64,
    /// Rollbacks.
    pub rolled_back: u64,
}

#[derive(Debug, Default)]
pub(super) struct History {
    records: VecDeque<SwapRecord>,
    pub(super) counts: SlotCounts,
}

impl History {
    pub(super) fn push(&mut self, record: SwapRecord) {
        if self.records.len() == MAX_RECORDS {
            self.records.pop_front();
        }
        self.records.push_back(record);
    }

    pub(super) fn records(&self) -> Vec<SwapRecord> {
        self.records.iter().cloned().collect()
    }
}
