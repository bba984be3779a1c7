//! Random modules that every engine must run alike.
//!
//! A [`Case`] is a module, its limits and its inputs, all made from one number. The [`Judge`] makes
//! a signed pack of it, takes it through verification and the static policy, and runs it on both
//! engines side by side, through the same interface as any host. Either the policy refuses the
//! module, or the engines agree call by call: the same results, or the same kind of fault.
//!
//! What is compared after a call that ended well: the status, the results of every generated
//! function that was called, every global, the size of memory and tables, which slots of the
//! tables are null, and a checksum of the memory outside the tensors. Floating-point values are
//! equal when both are NaN. Three in four modules turn each NaN into one pattern as soon as it
//! arises, so that all the rest is compared bit by bit. In the others the bits of a NaN, which
//! engines may choose, can reach integers and memory; where such a case differs, its twin that
//! does make NaNs alike decides.
//!
//! What is not compared: the state behind a trap, which no caller of kpack can see either, and
//! everything after a stack overflow, a deadline or a memory limit on either side, which engines
//! may meet at different points.

#![forbid(unsafe_code)]

mod case;
mod chance;
mod choices;
mod generator;
mod harness;
mod inputs;
mod judge;
mod observation;
mod outcome;
mod signer;
mod tally;
mod verdict;

pub use case::Case;
pub use chance::Chance;
pub use judge::Judge;
pub use tally::{Count, Tally};
pub use verdict::{Agreement, Verdict};
