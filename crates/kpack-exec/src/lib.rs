//! Runs verified kernels inside hard limits.
//!
//! A [`VerifiedKernel`](kpack_verify::VerifiedKernel) that passes the [`StaticPolicy`] is a
//! [`VettedKernel`]. A [`Backend`] compiles it, and it is then called, either once with tensors that
//! are copied in and out, or bound to shapes and called many times in slices of its own memory: see
//! [`CompiledKernel`].
//!
//! Five limits bind on every engine: memory, wall clock time, table elements, stack and globals. An
//! error says whose fault it was; a kernel's own is a [`Fault`].
//!
//! This crate never opens a file, and no engine's type stands in its interface. The engines are
//! cargo features: `wasmtime` (on by default) and `wasmer`.

#![deny(unsafe_code)]

// The tests of engines from inside take their kernels from where those from outside do.
#[cfg(all(test, any(feature = "wasmtime", feature = "wasmer")))]
extern crate self as kpack_exec;

#[cfg(target_endian = "big")]
compile_error!("kernels see the host's tensors as they are, and WebAssembly is little-endian");

mod arguments;
mod backend;
mod bound;
mod call;
mod caller;
mod compiled;
mod element;
mod error;
mod fault;
mod features;
mod passes;
mod plan;
mod policy;
#[cfg(test)]
mod sample_signatures;
mod select;
#[cfg(all(test, any(feature = "wasmtime", feature = "wasmer")))]
#[path = "../tests/support/mod.rs"]
#[allow(clippy::unwrap_used, reason = "a failed test may panic")]
mod support;
mod tensor;
mod tiles;

pub use arguments::Arguments;
#[cfg(feature = "wasmer")]
pub use backend::wasmer::Wasmer;
#[cfg(feature = "wasmtime")]
pub use backend::wasmtime::Wasmtime;
pub use backend::{Backend, BackendError, Instance, NextPass, Program, RunError, TICK};
pub use bound::BoundKernel;
pub use call::{Call, Outputs, Ran};
pub use caller::{CallInto, Caller, CallerOptions};
pub use compiled::CompiledKernel;
pub use element::Element;
pub use error::{CallError, CompileError};
pub use fault::{Blame, Fault, FaultKind};
pub use policy::{
    CapKind, MemoryPages, ModuleCaps, PolicyError, PolicyErrorKind, ProgramKey, StaticPolicy,
    VettedKernel, VettedModule,
};
pub use select::{EngineInfo, ModuleChoice, PlatformError, Selection, select};
pub use tensor::{Tensor, TensorError, TensorView};
