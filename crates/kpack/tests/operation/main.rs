//! What a host lives through: disks that fail, processes that are killed, files of other users, clocks
//! that are wrong, code that panics.
#![cfg(feature = "wasmtime")]
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]
#![allow(unreachable_pub, reason = "the helpers are a module of this crate")]

#[path = "../support/mod.rs"]
mod support;

#[cfg(target_os = "linux")]
mod cache;
mod clock;
mod panics;
#[cfg(target_os = "linux")]
mod state;
#[cfg(target_os = "linux")]
mod system_calls;
