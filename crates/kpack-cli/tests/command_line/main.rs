//! The command from outside: every verb, every exit code.
#![cfg(feature = "wasmtime")]
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]
#![allow(unreachable_pub, reason = "the helpers are a module of this crate")]

#[path = "../support/mod.rs"]
mod support;

mod archive;
mod bench;
mod c_kernel;
mod cache;
mod check;
mod explain;
mod explain_kernel;
mod fallback;
mod floors;
mod init;
mod inspect;
mod keygen;
mod kinds;
mod refused;
mod revoke;
mod run;
mod sign;
mod trust;
mod usage;
mod writing_kernels;
