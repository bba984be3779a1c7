//! Serves under load while packs are swapped, damaged, rolled back and killed, and counts.
//!
//! An author with a throw-away key publishes [releases](Release) that mark each result with their number.
//! Threads call whatever a [`Slot`](kpack::Slot) holds and know of every result which release and which
//! call it is of, so that none that is lost, mixed or stale goes unnoticed. Meanwhile an operator swaps in
//! the next release, offers it [damaged](Damage) or [flawed](Flaw), and rolls back; and processes that
//! write to the same compile cache and the same state are [killed](Killer).
//!
//! `cargo xtask load` [runs](fn@run) it.

#![forbid(unsafe_code)]

mod callers;
mod damage;
mod killed;
mod memory;
mod operator;
mod publisher;
mod release;
mod run;
mod shared;
mod watch;

pub use damage::Damage;
pub use killed::{Killed, Killer, serve_once, write_until_killed};
pub use memory::{Resident, resident};
pub use operator::Operations;
pub use publisher::Publisher;
pub use release::{Flaw, KERNEL, LEN, NATIVE, Release, input, release_of};
pub use run::{Plan, Report, run};
pub use shared::Shared;
