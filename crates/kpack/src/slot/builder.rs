use std::error::Error;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use kpack_schema::{KernelId, Timestamp};
use kpack_verify::{PackBytes, Trust};

use super::back_off::{BackOff, Refusals};
use super::error::StageError;
use super::priority::StagingPriority;
use super::stage::{Canary, Source, Stager};
use super::swap::Swapper;
use super::{Shared, Slot};
use crate::clock;
use crate::dispatch::{FallbackPolicy, MonotonicClock, clock::since_now};
use crate::health::{ByTurns, CompareSpeed, HealthPolicy};
use crate::pack::Pack;
use crate::runtime::Runtime;

/// A [`Slot`] in the making: it is one once a first pack serves.
#[must_use = "a builder does nothing until `start` is called"]
pub struct SlotBuilder {
    runtime: Runtime,
    fallback: FallbackPolicy,
    required: Vec<KernelId>,
    health: HealthPolicy,
    speed: Box<dyn CompareSpeed>,
    canary: Option<Canary>,
    priority: StagingPriority,
    back_off: BackOff,
    clock: Arc<dyn MonotonicClock>,
}

impl SlotBuilder {
    pub(super) fn new(runtime: Runtime) -> Self {
        Self {
            runtime,
            fallback: FallbackPolicy::default(),
            required: Vec::new(),
            health: HealthPolicy::default(),
            speed: Box::new(ByTurns),
            canary: None,
            priority: StagingPriority::default(),
            back_off: BackOff::default(),
            clock: since_now(),
        }
    }

    /// When a fallback runs, and when a kernel is set aside: of the dispatcher of each pack.
    pub fn fallback_policy(mut self, policy: FallbackPolicy) -> Self {
        self.fallback = policy;
        self
    }

    /// Kernels without which no pack may serve, whether they are bound or not.
    pub fn require(mut self, kernels: impl IntoIterator<Item = KernelId>) -> Self {
        self.required.extend(kernels);
        self
    }

    /// What a pack must prove before it serves.
    pub fn health(mut self, policy: HealthPolicy) -> Self {
        self.health = policy;
        self
    }

    /// The host's own trial of a pack, after all others: an error, or a panic, turns the pack down.
    ///
    /// It has no deadline: while it runs, no other pack is staged.
    pub fn canary(
        mut self,
        canary: impl Fn(&Pack) -> Result<(), Box<dyn Error + Send + Sync>> + Send + Sync + 'static,
    ) -> Self {
        self.canary = Some(Box::new(canary));
        self
    }

    /// How the speed of a pack is held against that of the serving one; without this, [`ByTurns`].
    pub fn speed(mut self, speed: impl CompareSpeed + 'static) -> Self {
        self.speed = Box::new(speed);
        self
    }

    /// On whose time packs are staged.
    pub const fn priority(mut self, priority: StagingPriority) -> Self {
        self.priority = priority;
        self
    }

    /// How long a pack that was refused is refused at once.
    pub const fn back_off(mut self, rule: BackOff) -> Self {
        self.back_off = rule;
        self
    }

    /// The clock by which refusals end; without one, the system's.
    pub fn clock(mut self, clock: impl MonotonicClock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Stages the first pack, in a folder or an archive, as of now, and lets it serve.
    ///
    /// # Errors
    ///
    /// When the pack does not pass, with the step that it did not pass.
    pub fn start(self, path: impl AsRef<Path>, trust: &Trust) -> Result<Slot, StageError> {
        let now = clock::now().map_err(|error| StageError::Load(error.into()))?;
        self.start_source(Source::Path(path.as_ref()), trust, now)
    }

    /// Stages the first pack, whose bytes are in memory, as of the given time, and lets it serve.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_bytes(
        self,
        bytes: PackBytes,
        trust: &Trust,
        now: Timestamp,
    ) -> Result<Slot, StageError> {
        self.start_source(Source::Bytes(bytes), trust, now)
    }

    fn start_source(
        self,
        source: Source<'_>,
        trust: &Trust,
        now: Timestamp,
    ) -> Result<Slot, StageError> {
        let stager = Stager {
            runtime: self.runtime,
            fallback: self.fallback,
            health: self.health,
            speed: self.speed,
            canary: self.canary,
            priority: self.priority,
            clock: self.clock,
            staging: Mutex::default(),
            refusals: Mutex::new(Refusals::new(self.back_off)),
            history: Mutex::default(),
        };
        let first = stager.start(source, trust, now, &self.required)?;
        let swapper = Swapper::new(first, self.required);
        Ok(Slot {
            shared: Arc::new(Shared { stager, swapper }),
        })
    }
}

impl fmt::Debug for SlotBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlotBuilder")
            .field("runtime", &self.runtime)
            .field("required", &self.required)
            .field("health", &self.health)
            .finish_non_exhaustive()
    }
}
