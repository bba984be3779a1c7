//! What serving is tried with: releases that can be told apart by every result, damage that may happen to
//! them, and processes that are killed while they write.
//!
//! An author with a throw-away key publishes [releases](Release) that mark each result with their number,
//! so that none that is mixed goes unnoticed; some are [flawed](Flaw), some are [damaged](Damage) on their
//! way. Processes that write to a compile cache and a state are [killed](Killer), and a service is started
//! on what they leave.

#![forbid(unsafe_code)]

mod damage;
mod killed;
mod memory;
mod publisher;
mod release;
mod shared;

pub use damage::Damage;
pub use killed::{Killed, Killer, serve_once, write_until_killed};
pub use memory::{Resident, resident};
pub use publisher::Publisher;
pub use release::{Flaw, KERNEL, LEN, NATIVE, Release, input, release_of};
pub use shared::Shared;
