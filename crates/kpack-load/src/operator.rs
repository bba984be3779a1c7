use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use kpack::{Slot, Trust};

use crate::damage::Damage;
use crate::memory::Resident;
use crate::publisher::Publisher;
use crate::release::{Flaw, Release};
use crate::shared::Shared;
use crate::watch::Watch;

/// What the operator has done.
#[derive(Debug, Clone, Default)]
pub struct Operations {
    /// Releases that were swapped in.
    pub swaps: u64,
    /// Rollbacks to the release before.
    pub rollbacks: u64,
    /// Offers that were refused, as they had to be, by the kind of the error.
    pub refused: BTreeMap<&'static str, u64>,
}

/// Whoever swaps, offers what is damaged and flawed, and rolls back.
pub(crate) struct Operator<'a> {
    slot: &'a Slot,
    watch: &'a Watch,
    shared: &'a Shared,
    publisher: &'a Publisher,
    trust: &'a Trust,
    /// The last number that was given to a release.
    last: u32,
    /// What serves.
    serving: u32,
    /// What served before it.
    previous: Option<u32>,
    damages: usize,
    flaws: usize,
    operations: Operations,
}

/// What is wrong with releases that the author has signed, and the kind of the error that each must end
/// in.
const FLAWS: [(Flaw, &str); 3] = [
    (Flaw::Traps, "unreachable"),
    (Flaw::WrongNumbers, "wrong_numbers"),
    (Flaw::NeverEnds, "deadline"),
];

/// After so long without any call that was served, something hangs.
const PATIENCE: Duration = Duration::from_secs(60);

impl<'a> Operator<'a> {
    pub(crate) fn new(
        slot: &'a Slot,
        watch: &'a Watch,
        shared: &'a Shared,
        publisher: &'a Publisher,
        trust: &'a Trust,
        first: u32,
    ) -> Self {
        Self {
            slot,
            watch,
            shared,
            publisher,
            trust,
            last: first,
            serving: first,
            previous: None,
            damages: 0,
            flaws: 0,
            operations: Operations::default(),
        }
    }

    /// Swaps so often, in between everything else, so that so many calls are made meanwhile; less, when
    /// a call goes wrong.
    pub(crate) fn operate(
        mut self,
        swaps: u64,
        calls: u64,
        resident: &mut Resident,
    ) -> Result<Operations> {
        for swap in 0..swaps {
            if self.watch.has_stopped() {
                break;
            }
            match swap % 8 {
                1 | 5 => self.offer_damaged()?,
                3 | 7 => self.offer_flawed()?,
                6 => self.roll_back()?,
                _ => {}
            }
            let flaw = if swap % 8 == 4 {
                Flaw::TrapsAtTimes
            } else {
                Flaw::None
            };
            self.swap(flaw)?;
            self.await_calls(calls * (swap + 1) / swaps)?;
            resident.sample();
        }
        Ok(self.operations)
    }

    /// Lets the callers make so many calls altogether.
    fn await_calls(&self, calls: u64) -> Result<()> {
        self.watch.want(calls);
        let (mut last, mut since) = (0, Instant::now());
        loop {
            let served = self.watch.served();
            if served >= calls || self.watch.has_stopped() {
                return Ok(());
            }
            if served > last {
                (last, since) = (served, Instant::now());
            }
            ensure!(since.elapsed() < PATIENCE, "no call is served any more");
            thread::sleep(Duration::from_micros(200));
        }
    }

    fn swap(&mut self, flaw: Flaw) -> Result<()> {
        let release = self.next(flaw)?;
        let folder = self.publish(release)?;
        self.watch.begin(release.number);
        let staged = self.slot.stage(&folder, self.trust);
        staged.with_context(|| format!("a sound release was refused: {}", release.number))?;
        self.watch.finish();
        self.previous = Some(self.serving);
        self.serving = release.number;
        self.operations.swaps += 1;
        fs::remove_dir_all(folder)?;
        Ok(())
    }

    fn roll_back(&mut self) -> Result<()> {
        let Some(previous) = self.previous.take() else {
            return Ok(());
        };
        self.watch.begin(previous);
        self.slot.rollback()?;
        self.watch.finish();
        self.serving = previous;
        self.operations.rollbacks += 1;
        Ok(())
    }

    fn offer_damaged(&mut self) -> Result<()> {
        let damage = Damage::ALL[self.damages % Damage::ALL.len()];
        self.damages += 1;
        let release = self.next(Flaw::None)?;
        let (folder, aside) = (self.publish(release)?, self.shared.place("aside"));
        damage.inflict(self.publisher, release, &folder, &aside)?;
        self.refused(&folder, damage.kind())?;
        for left in [folder, aside] {
            _ = fs::remove_dir_all(left);
        }
        Ok(())
    }

    fn offer_flawed(&mut self) -> Result<()> {
        let (flaw, kind) = FLAWS[self.flaws % FLAWS.len()];
        self.flaws += 1;
        let release = self.next(flaw)?;
        let folder = self.publish(release)?;
        self.refused(&folder, kind)?;
        // It is not even looked at a second time.
        self.refused(&folder, "refused_before")?;
        fs::remove_dir_all(folder)?;
        Ok(())
    }

    fn refused(&mut self, folder: &Path, kind: &'static str) -> Result<()> {
        let before = self.slot.current().generation();
        match self.slot.stage(folder, self.trust) {
            Ok(_) => bail!(
                "swapped in, and not refused by `{kind}`: {}",
                folder.display()
            ),
            Err(error) => ensure!(
                error.kind() == kind,
                "refused by `{}`, not `{kind}`: {error}",
                error.kind()
            ),
        }
        ensure!(
            self.slot.current().generation() == before,
            "a refusal has changed what serves"
        );
        *self.operations.refused.entry(kind).or_default() += 1;
        Ok(())
    }

    fn next(&mut self, flaw: Flaw) -> Result<Release> {
        // Damage may take the module of the number that follows.
        self.last = self.last.checked_add(2).context("no number is left")?;
        Ok(Release {
            number: self.last,
            flaw,
        })
    }

    fn publish(&self, release: Release) -> Result<PathBuf> {
        let folder = self.shared.place(&format!("served-{}", release.number));
        self.publisher.publish(release, &folder)?;
        Ok(folder)
    }
}
