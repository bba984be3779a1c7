//! One suite of golden cases for everything that runs kernels: each engine, the native reference and
//! the command line.
//!
//! The cases come from PyTorch and Hugging Face transformers (`golden/README.md` says how). A
//! [`Case`] is a chain of kernel calls with expected results; whatever can carry out one
//! [`Call`] implements [`Harness`] and is held against all of them.

#![forbid(unsafe_code)]

mod attention;
mod blocks;
mod calls;
mod case;
mod compare;
mod elements;
mod engine;
mod gelu;
mod golden;
mod harness;
mod layernorm;
mod lora;
mod native;
mod rmsnorm;
mod rope;
mod softmax;
mod swiglu;

pub use case::{Case, Outcome};
pub use compare::{Expectation, widened};
pub use engine::{CallerHarness, PackHarness, runtimes, runtimes_offering};
pub use golden::{GoldenError, cases};
pub use harness::{Call, Failure, Harness, Results};
pub use native::NativeHarness;
