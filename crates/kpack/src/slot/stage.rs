use std::any::Any;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use kpack_exec::Blame;
use kpack_schema::{Digest, KernelId, PackName, Timestamp};
use kpack_verify::{PackBytes, Trust, sha256};

use super::Forgiven;
use super::back_off::{Refusal, Refusals};
use super::error::{StageError, StageStep, StagingPanic};
use super::history::{History, SlotCounts, SwapOutcome, SwapRecord};
use super::interface;
use super::priority::StagingPriority;
use super::serving::{Generation, Serving, Staged};
use super::swap::{RolledBack, Swapper};
use crate::candidate::Candidate;
use crate::dispatch::{Dispatcher, FallbackPolicy, MonotonicClock};
use crate::health::{
    CompareSpeed, HealthError, HealthPolicy, HealthReport, MissingVectors, ReadyVector, Slowdown,
    too_slow,
};
use crate::kernel::Kernel;
use crate::pack::Pack;
use crate::runtime::{Runtime, some_available};

/// A host's own trial of a pack: an error turns it down.
pub(super) type Canary =
    Box<dyn Fn(&Pack) -> Result<(), Box<dyn Error + Send + Sync>> + Send + Sync>;

/// Brings packs as far as the swap, one after the other, and remembers what became of them.
pub(super) struct Stager {
    pub(super) runtime: Runtime,
    pub(super) fallback: FallbackPolicy,
    pub(super) health: HealthPolicy,
    pub(super) speed: Box<dyn CompareSpeed>,
    pub(super) canary: Option<Canary>,
    pub(super) priority: StagingPriority,
    pub(super) clock: Arc<dyn MonotonicClock>,
    pub(super) staging: Mutex<()>,
    pub(super) refusals: Mutex<Refusals>,
    pub(super) history: Mutex<History>,
}

/// Where a pack comes from.
pub(super) enum Source<'a> {
    Path(&'a Path),
    Bytes(PackBytes),
}

/// The pack that a stage is to replace.
enum Place<'a> {
    /// There is none yet.
    First(&'a [KernelId]),
    In(&'a Swapper),
}

/// What became of a stage that went well.
enum Passed {
    First(Serving),
    Staged(Staged),
}

/// A stage under way: what is known of the pack, and how far it has come.
struct Attempt {
    origin: String,
    pack: Option<PackName>,
    manifest: Option<Digest>,
    bytes: Option<Digest>,
    step: StageStep,
    began: Instant,
    steps: Vec<(StageStep, Duration)>,
}

impl Stager {
    /// Brings the first pack of a slot as far as any other.
    pub(super) fn start(
        &self,
        source: Source<'_>,
        trust: &Trust,
        now: Timestamp,
        required: &[KernelId],
    ) -> Result<Serving, StageError> {
        match self.attempt(source, trust, now, &Place::First(required))? {
            Passed::First(serving) => Ok(serving),
            Passed::Staged(_) => unreachable!("there was no pack to replace"),
        }
    }

    pub(super) fn stage(
        &self,
        source: Source<'_>,
        trust: &Trust,
        now: Timestamp,
        swapper: &Swapper,
    ) -> Result<Staged, StageError> {
        match self.attempt(source, trust, now, &Place::In(swapper))? {
            Passed::Staged(staged) => Ok(staged),
            Passed::First(_) => unreachable!("there was a pack to replace"),
        }
    }

    /// Refuses a pack from now on, which the operator is about to roll back.
    pub(super) fn turn_down(&self, from: &Serving) {
        lock(&self.refusals).turn_down(from.pack().manifest_digest(), "rolled_back");
    }

    /// Remembers that the operator rolled a pack back.
    pub(super) fn remember_rollback(&self, rolled_back: &RolledBack) {
        let RolledBack { from, now } = rolled_back;
        let (generation, pack) = (now.generation(), now.pack());
        tracing::warn!(
            generation = generation.get(),
            pack = %pack.name(),
            manifest = %pack.manifest_digest(),
            from = %from.pack().manifest_digest(),
            "rolled back"
        );
        let mut history = lock(&self.history);
        history.counts.rolled_back += 1;
        history.push(SwapRecord {
            at: SystemTime::now(),
            origin: "in memory".to_owned(),
            pack: Some(pack.name().clone()),
            manifest: Some(pack.manifest_digest()),
            steps: Vec::new(),
            outcome: SwapOutcome::RolledBack(generation),
        });
    }

    pub(super) fn refusals(&self) -> Vec<Refusal> {
        lock(&self.refusals).all(self.clock.now())
    }

    pub(super) fn forgive(&self, pack: Digest) -> Forgiven {
        if lock(&self.refusals).forget(pack) {
            Forgiven::Refused
        } else {
            Forgiven::Unknown
        }
    }

    pub(super) fn forgive_all(&self) {
        lock(&self.refusals).forget_all();
    }

    pub(super) fn history(&self) -> Vec<SwapRecord> {
        lock(&self.history).records()
    }

    pub(super) fn counts(&self) -> SlotCounts {
        lock(&self.history).counts
    }

    fn attempt(
        &self,
        source: Source<'_>,
        trust: &Trust,
        now: Timestamp,
        place: &Place<'_>,
    ) -> Result<Passed, StageError> {
        let _one_at_a_time = lock(&self.staging);
        let mut attempt = Attempt::new(source.origin());
        let span = tracing::info_span!("stage", origin = attempt.origin);
        let _entered = span.enter();
        let work = || {
            let work = || self.work(&mut attempt, source, trust, now, place);
            self.priority.run(work)
        };
        // Of what a panic interrupts nothing is used again but what locks protect.
        let ended = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
            Err(StageError::Panicked(StagingPanic {
                step: attempt.step,
                message: message_of(panic.as_ref()),
            }))
        });
        self.remember(attempt, &ended);
        ended
    }

    /// Nothing here changes what serves but the last call.
    fn work(
        &self,
        attempt: &mut Attempt,
        source: Source<'_>,
        trust: &Trust,
        now: Timestamp,
        place: &Place<'_>,
    ) -> Result<Passed, StageError> {
        let verifier = self.runtime.verifier();
        let bytes = match source {
            Source::Path(path) => verifier.read(path)?,
            Source::Bytes(bytes) => bytes,
        };
        let digest = *attempt.bytes.insert(digest_of(&bytes));
        self.expect_not_refused(digest)?;
        attempt.enter(StageStep::Verify);
        let verified = verifier.verify_read(bytes, &attempt.origin, trust, now)?;
        let name = verified.manifest().name();
        attempt.pack = Some(name.clone());
        let manifest = *attempt.manifest.insert(verified.manifest_digest());
        // Looked at first: of a pack that is rolled back from now on, this tells that it served.
        let serving = place.serving();
        self.expect_not_refused(manifest)?;
        if let Some(serving) = serving {
            if serving.pack().manifest_digest() == manifest {
                return Ok(Passed::Staged(Staged::AlreadyServing(serving.generation())));
            }
            expect_same_name(serving.pack(), name)?;
        }
        // Asked last: what serves since a rollback is below the floor, and serves.
        let vetted = verifier.vet(verified, trust)?;
        attempt.enter(StageStep::Compile);
        let candidate = self.runtime.prepare(&vetted)?;
        some_available(candidate.pack().clone())?;
        attempt.enter(StageStep::Interface);
        let dispatcher = Dispatcher::builder(candidate.pack())
            .policy(self.fallback.clone())
            .build();
        match place {
            Place::First(required) => {
                interface::check_required(required, &dispatcher, None)?;
                self.try_out(attempt, &candidate, None)?;
                attempt.enter(StageStep::Swap);
                candidate.accept()?;
                Ok(Passed::First(Serving::new(Generation::FIRST, dispatcher)))
            }
            Place::In(swapper) => {
                let checked = swapper.check(&dispatcher)?;
                self.try_out(attempt, &candidate, Some(swapper.current().pack()))?;
                attempt.enter(StageStep::Swap);
                let serving = swapper.swap(candidate, dispatcher, &checked)?;
                Ok(Passed::Staged(Staged::Swapped(serving.generation())))
            }
        }
    }

    fn try_out(
        &self,
        attempt: &mut Attempt,
        candidate: &Candidate,
        serving: Option<&Pack>,
    ) -> Result<(), StageError> {
        attempt.enter(StageStep::Health);
        let pack = candidate.pack();
        self.expect_healthy(pack.check_health())?;
        if let (Some(serving), Some(rule)) = (serving, &self.health.slowdown) {
            for kernel in pack.kernels() {
                self.expect_fast(kernel, serving, rule)?;
            }
        }
        if let Some(canary) = &self.canary {
            attempt.enter(StageStep::Canary);
            canary(pack).map_err(|source| HealthError::Canary { source })?;
        }
        Ok(())
    }

    fn expect_healthy(&self, report: HealthReport) -> Result<(), HealthError> {
        let untested = report.untested().next();
        if let (Some(kernel), MissingVectors::Refuse) = (untested, self.health.missing_vectors) {
            return Err(HealthError::NoVectors {
                kernel: kernel.clone(),
            });
        }
        let kernels = report.kernels.into_iter();
        let mut vectors = kernels.flat_map(|kernel| {
            let vectors = kernel.vectors.into_iter();
            vectors.map(move |vector| (kernel.kernel.clone(), vector))
        });
        let failed = vectors.find_map(|(kernel, vector)| {
            let source = vector.result.err()?;
            Some(HealthError::Vector {
                kernel,
                vector: vector.path,
                source: Box::new(source),
            })
        });
        failed.map_or(Ok(()), Err)
    }

    /// Holds a kernel's speed on its vectors against that of the kernel that serves.
    fn expect_fast(
        &self,
        kernel: &Kernel,
        serving: &Pack,
        rule: &Slowdown,
    ) -> Result<(), HealthError> {
        let Ok(before) = serving.kernel(kernel.id().as_str()) else {
            return Ok(());
        };
        for vector in kernel.vectors() {
            let path = &vector.declared().path;
            // A vector that the serving kernel does not take says nothing about it.
            let Ok(mut before) = ReadyVector::new(&before, vector) else {
                continue;
            };
            let failed = |source| HealthError::Vector {
                kernel: kernel.id().clone(),
                vector: path.clone(),
                source: Box::new(source),
            };
            let mut now = ReadyVector::new(kernel, vector).map_err(failed)?;
            let mut calls = (|| now.run(), || before.run());
            let slow = too_slow(rule, self.speed.as_ref(), &mut calls.0, &mut calls.1)
                .map_err(|error| failed(error.into()))?;
            if let Some(times) = slow {
                return Err(HealthError::Slower {
                    kernel: kernel.id().clone(),
                    vector: path.clone(),
                    times,
                    factor: rule.factor(),
                });
            }
        }
        Ok(())
    }

    fn expect_not_refused(&self, pack: Digest) -> Result<(), StageError> {
        match lock(&self.refusals).standing(pack, self.clock.now()) {
            Some(refusal) => Err(StageError::RefusedBefore { refusal }),
            None => Ok(()),
        }
    }

    fn remember(&self, mut attempt: Attempt, ended: &Result<Passed, StageError>) {
        attempt.leave();
        let mut history = lock(&self.history);
        let outcome = match ended {
            Ok(passed) => {
                if let Some(manifest) = attempt.manifest {
                    lock(&self.refusals).passed(manifest);
                }
                attempt.passed(passed, &mut history.counts)
            }
            Err(error) => {
                if let StageError::RefusedBefore { .. } = error {
                    history.counts.refused_at_once += 1;
                } else {
                    history.counts.refused += 1;
                    self.refuse(&attempt, error);
                }
                attempt.refused(error)
            }
        };
        history.push(SwapRecord {
            at: SystemTime::now(),
            origin: attempt.origin,
            pack: attempt.pack,
            manifest: attempt.manifest,
            steps: attempt.steps,
            outcome,
        });
    }

    /// A manifest stands for the whole pack once that is verified. Before, anyone may have put a good
    /// manifest beside a bad file, so that all bytes count: the good pack is not refused with it.
    fn refuse(&self, attempt: &Attempt, error: &StageError) {
        let pack = attempt.manifest.or(attempt.bytes);
        if let (Some(pack), true) = (pack, error.blame() != Blame::Host) {
            lock(&self.refusals).refuse(pack, error.kind(), self.clock.now());
        }
    }
}

impl Source<'_> {
    fn origin(&self) -> String {
        match self {
            Self::Path(path) => path.display().to_string(),
            Self::Bytes(_) => "in memory".to_owned(),
        }
    }
}

impl Place<'_> {
    fn serving(&self) -> Option<Arc<Serving>> {
        match self {
            Self::First(_) => None,
            Self::In(swapper) => Some(swapper.current()),
        }
    }
}

impl Attempt {
    fn new(origin: String) -> Self {
        Self {
            origin,
            pack: None,
            manifest: None,
            bytes: None,
            step: StageStep::Read,
            began: Instant::now(),
            steps: Vec::new(),
        }
    }

    fn enter(&mut self, step: StageStep) {
        self.leave();
        self.step = step;
        self.began = Instant::now();
    }

    fn leave(&mut self) {
        self.steps.push((self.step, self.began.elapsed()));
    }

    fn passed(&self, passed: &Passed, counts: &mut SlotCounts) -> SwapOutcome {
        let manifest = self.manifest.map(tracing::field::display);
        match passed {
            Passed::First(serving) => {
                let generation = serving.generation();
                tracing::info!(generation = generation.get(), manifest, "started");
                SwapOutcome::Swapped(generation)
            }
            Passed::Staged(Staged::Swapped(generation)) => {
                counts.swapped += 1;
                tracing::info!(generation = generation.get(), manifest, "swapped");
                SwapOutcome::Swapped(*generation)
            }
            Passed::Staged(Staged::AlreadyServing(generation)) => {
                counts.already_serving += 1;
                tracing::debug!(generation = generation.get(), manifest, "already serving");
                SwapOutcome::AlreadyServing(*generation)
            }
        }
    }

    fn refused(&self, error: &StageError) -> SwapOutcome {
        let (kind, message) = (error.kind(), with_causes(error));
        tracing::warn!(
            step = self.step.name(),
            kind,
            error = message,
            manifest = self.manifest.map(tracing::field::display),
            "stage refused"
        );
        SwapOutcome::Refused { kind, message }
    }
}

fn expect_same_name(serving: &Pack, found: &PackName) -> Result<(), StageError> {
    if serving.name() == found {
        return Ok(());
    }
    Err(StageError::OtherPack {
        serving: serving.name().clone(),
        found: found.clone(),
    })
}

/// One digest of all of a pack's bytes. No path holds a line break, so that a text stands for one pack.
fn digest_of(pack: &PackBytes) -> Digest {
    let signature = pack.signature().map(sha256);
    let mut text = format!("{}\n{signature:?}\n", sha256(pack.manifest()));
    for (path, file) in pack.files() {
        text.push_str(&format!("{path} {}\n", sha256(file)));
    }
    sha256(text.as_bytes())
}

fn with_causes(error: &StageError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}

fn message_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without a message").to_owned()
}

/// A panic while the lock was held leaves nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
