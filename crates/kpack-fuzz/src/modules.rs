//! Modules by the thousand: through the policy, and some of them compiled and run.

use std::collections::BTreeMap;

use anyhow::Result;
use kpack_differential::{Case, Chance};
use kpack_schema::ResourceLimits;

use crate::host::{Fate, Host};

/// What many modules came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Modules {
    /// Modules that were judged.
    pub judged: u64,
    /// Those that the policy passed.
    pub passed: u64,
    /// Those that were compiled and called on both engines.
    pub run: u64,
    /// Each end, by its kind.
    pub fates: BTreeMap<Fate, u64>,
}

/// Judges so many modules and runs the first of those that pass, on both engines.
///
/// Every other module is as wasm-smith makes it; the rest are such modules with a few bytes changed,
/// which hit the parser and the validator.
///
/// # Errors
///
/// When an engine cannot be set up.
///
/// # Panics
///
/// When an engine or the host fails.
pub fn run(judged: u64, run: u64, seed: u64) -> Result<Modules> {
    let host = Host::new()?;
    let mut chance = Chance::new(seed);
    let mut modules = Modules::default();
    while modules.judged < judged {
        let case = Case::generate(seed.wrapping_add(modules.judged));
        let mut wasm = case.module().to_vec();
        if modules.judged % 2 == 1 {
            change(&mut wasm, &mut chance);
        }
        modules.judged += 1;
        let fate = match host.vet(&wasm, case.features(), &short(case.limits())) {
            Err(kind) => Fate::Refused(kind),
            Ok(_) if modules.run == run => {
                modules.passed += 1;
                continue;
            }
            Ok(kernel) => {
                modules.passed += 1;
                modules.run += 1;
                host.call(&kernel)
            }
        };
        *modules.fates.entry(fate).or_default() += 1;
    }
    Ok(modules)
}

/// The same limits with little time: what does not end soon never does.
fn short(limits: &ResourceLimits) -> ResourceLimits {
    ResourceLimits {
        max_epoch_ticks: 2,
        ..limits.clone()
    }
}

/// A few changes that keep a module's length, and with it most of its structure.
fn change(wasm: &mut [u8], chance: &mut Chance) {
    for _ in 0..=chance.below(3) {
        let at = chance.below(wasm.len());
        match chance.below(3) {
            0 => wasm[at] ^= 1 << chance.below(8),
            1 => wasm[at] = chance.pick(&[0, 1, 0x40, 0x7f, 0x80, 0xff, 0x0b, 0x10, 0x20]),
            _ => wasm.swap(at, chance.below(at + 1)),
        }
    }
}
