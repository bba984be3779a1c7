//! Hostile inputs by the million.
//!
//! * A [`Target`] reads bytes of a stranger's and panics when a promise does not hold. The
//!   [smoke run](smoke::run) feeds it seeds and mutants on any toolchain; `fuzz/` feeds it whatever
//!   libFuzzer finds.
//! * A [`Forger`](forgery::Forger) makes packs that nobody who is trusted has signed.
//! * [`modules`] takes thousands of modules through the static policy, and runs some of them.
//! * A [`Bomb`](bombs::Bomb) is a module that is made to be slow or large to compile.
//!
//! All of it follows from seeds, so that a finding can be repeated: every pack here is signed with
//! one key, which everybody knows.

#![forbid(unsafe_code)]

pub mod bombs;
pub mod forgery;
mod host;
pub mod modules;
mod mutator;
mod seeds;
mod signer;
pub mod smoke;
mod targets;

pub use host::{Fate, Host};
pub use mutator::Mutator;
pub use seeds::Seeds;
pub use signer::Signer;
pub use targets::{Form, Target, Verdict};

/// What a program of libFuzzer's does with its input.
///
/// # Panics
///
/// When there is no such target, and when a promise does not hold.
pub fn run(target: &str, bytes: &[u8]) {
    let target = Target::named(target).expect("a target of this name");
    (target.run)(bytes);
}
