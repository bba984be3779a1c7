//! The smoke run: seeds and mutants of them, on any toolchain.

use anyhow::Result;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::mutator::Mutator;
use crate::seeds::Seeds;
use crate::targets::{Target, Verdict};

/// What a run came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Inputs.
    pub executions: u64,
    /// Of them, those that were taken.
    pub accepted: u64,
}

/// Runs every seed of a target and then mutants of them, so many in all.
///
/// # Errors
///
/// When the seeds cannot be read; and, with the input that did it, when a promise did not hold.
pub fn run(target: &Target, executions: u64, seed: u64) -> Result<Tally> {
    let seeds = Seeds::of(target)?;
    let mut mutator = Mutator::new(&seeds, target.form, seed);
    let mut tally = Tally::default();
    for input in &seeds.inputs {
        tally.add(run_one(target, input)?);
    }
    while tally.executions < executions {
        tally.add(run_one(target, &mutator.mutant())?);
    }
    Ok(tally)
}

fn run_one(target: &Target, input: &[u8]) -> Result<Verdict> {
    // The input is all that is shared with what panicked.
    let ended = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    ended.map_err(|_| {
        let shown = input.escape_ascii();
        anyhow::anyhow!("a promise did not hold in {} for: `{shown}`", target.name)
    })
}

impl Tally {
    fn add(&mut self, verdict: Verdict) {
        self.executions += 1;
        self.accepted += u64::from(verdict == Verdict::Accepted);
    }
}
