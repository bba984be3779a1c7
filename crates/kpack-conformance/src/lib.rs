//! One suite of golden cases for everything that runs kernels: each engine, the native reference and
//! the command line.
//!
//! The cases come from PyTorch and Hugging Face transformers (`golden/README.md` says how). A
//! [`Case`] is a chain of kernel calls with expected results; whatever can carry out one
//! [`Call`] implements [`Harness`] and is held against all of them.

#![forbid(unsafe_code)]

mod case;
mod compare;
mod engine;
mod golden;
mod harness;
mod native;
mod rmsnorm;
mod rope;
mod swiglu;

pub use case::{Case, Outcome};
pub use compare::{Deviation, Expectation, Mismatch};
pub use engine::{CallerHarness, PackHarness, runtimes, runtimes_offering};
pub use golden::{GoldenError, f32_cases};
pub use harness::{Call, Failure, Harness};
pub use native::NativeHarness;
