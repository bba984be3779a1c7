//! Signed kernel packs for LLM runtimes: load one from disk, call its kernels inside hard limits.
//!
//! ```no_run
//! # #[cfg(feature = "wasmtime")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use kpack::{Runtime, Tensor, Trust, Wasmtime};
//!
//! let trust = Trust::from_json(&std::fs::read_to_string("trust.json")?)?;
//! let runtime = Runtime::new(Wasmtime::new()?);
//! let pack = runtime.load("packs/llama-core", &trust)?;
//! let norm = pack.kernel("rmsnorm_f32")?;
//!
//! // Once, into tensors of its own:
//! let x = Tensor::new(&[1, 4096], vec![0.5_f32; 4096])?;
//! let w = Tensor::new(&[4096], vec![1.0_f32; 4096])?;
//! let outputs = norm.call().input("x", &x)?.input("weight", &w)?.param("eps", 1e-5)?.run()?;
//! let y: &[f32] = outputs.get("y").expect("declared in the manifest").as_slice()?;
//!
//! // Many times, in slices of the kernel's own memory:
//! let mut norm = norm.bind(&[("rows", 1), ("hidden", 4096)], &[("eps", 1e-5.into())])?;
//! norm.input_mut::<f32>("weight")?.copy_from_slice(w.as_slice()?);
//! norm.input_mut::<f32>("x")?.copy_from_slice(x.as_slice()?);
//! norm.run()?;
//! let y: &[f32] = norm.output("y")?;
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "wasmtime"))]
//! # fn main() {}
//! ```
//!
//! Five nouns are enough to read it. A [`Pack`] is a folder of WebAssembly kernels with a signed
//! manifest, or the same in one file. [`Trust`] is the operator's decision whose signatures count. A [`Kernel`] is one
//! function on tensors. A [`Backend`] is the engine that runs it, and the [`Runtime`] loads packs for
//! one backend under one host policy.
//!
//! Every error says whose fault it was and has a stable [`kind`](LoadError::kind): a [`LoadError`]
//! where a pack could not be read or was refused, a [`KernelError`] where it has no such kernel, a
//! [`CallError`] where a call gave no result.
//!
//! There is no unsigned mode: tests and local development sign with a throw-away key.

#![forbid(unsafe_code)]

mod candidate;
mod clock;
mod compare;
mod compile_cache;
mod compiler;
mod dispatch;
mod health;
mod kernel;
mod load_error;
mod native;
mod pack;
mod pack_dir;
mod pack_source;
mod private;
pub mod reference_pack;
mod references;
mod runtime;
mod slot;
mod state_dir;
mod tensor_file;
mod trust_on_disk;
mod verifier;
#[cfg(feature = "watch")]
mod watch;

pub use candidate::Candidate;
pub use clock::{ClockError, host_time};
pub use compare::{Deviation, Mismatch, Number, RowTolerance, compare};
pub use compile_cache::{CacheEntry, CacheError, CompileCache};
#[cfg(feature = "metrics")]
pub use dispatch::MetricsExporter;
pub use dispatch::{
    BoundDispatch, Dispatch, DispatchCall, DispatchError, DispatchInputs, DispatchOutputs,
    DispatchReport, Dispatcher, DispatcherBuilder, ExplainedLink, Explanation, FallbackMode,
    FallbackPolicy, Latency, LinkError, LinkFailure, LinkStats, MonotonicClock, OnFailure,
    ServedBy, SetAside, Stats, Verdict,
};
pub use health::{
    ByTurns, CallTimes, CompareSpeed, HealthError, HealthPolicy, HealthReport, KernelHealth,
    MissingVectors, Slowdown, SlowdownError, VectorError, VectorHealth, VectorPassed,
};
pub use kernel::Kernel;
pub use load_error::LoadError;
pub use native::{NativeCall, NativeError, NativeKernel};
pub use pack::{KernelError, Pack};
pub use pack_dir::{MAX_FOLDER_DEPTH, PackDir, ReadPackError};
pub use pack_source::PackSource;
pub use references::References;
pub use runtime::{Runtime, RuntimeBuilder};
pub use slot::{
    BackOff, Forgiven, Generation, InterfaceError, Refusal, RollbackError, Serving, Slot,
    SlotBuilder, SlotCallError, SlotCounts, SlotKernel, StageError, StageStep, Staged,
    StagingPanic, StagingPriority, SwapOutcome, SwapRecord,
};
pub use state_dir::{StateDir, StateError};
pub use tensor_file::{FileTensor, TensorFile, TensorFileError, write_tensor_file};
pub use trust_on_disk::{TrustLoadError, TrustOnDisk};
pub use verifier::{Verifier, VettedPack};
#[cfg(feature = "watch")]
pub use watch::{WatchError, WatchEvent, WatchOptions, Watcher};

#[cfg(feature = "wasmer")]
pub use kpack_exec::Wasmer;
#[cfg(feature = "wasmtime")]
pub use kpack_exec::Wasmtime;
pub use kpack_exec::{
    Backend, BackendError, Blame, BoundKernel, Call, CallError, CallInto, Caller, CallerOptions,
    CompileError, Element, Fault, FaultKind, ModuleCaps, ModuleChoice, Outputs, PlatformError,
    PolicyError, Ran, Selection, StaticPolicy, Tensor, TensorError, TensorView, VettedKernel,
    VettedModule,
};
pub use kpack_schema::{
    BindError, BoundTensor, CheckedManifest, DataType, Digest, FallbackTarget, Feature, FeatureSet,
    HostPolicy, KernelId, KernelInfo, LimitPolicy, Limits, NameError, PackName, PackPath,
    ParamValue, Signature, Timestamp,
};
pub use kpack_verify::{
    AcceptedPack, ArchiveError, Floor, FloorError, Floors, HostState, HostStateError, KeyId,
    PackBytes, PackBytesError, PackLimits, PinnedTrust, ProvenTrust, Roots, Step, Trust,
    TrustError, TrustFile, TrustOrigin, TrustProofError, VerifiedVector, VerifyError,
};

/// The README's examples are compiled and run.
#[cfg(all(doctest, feature = "wasmtime"))]
#[doc = include_str!("../../../README.md")]
struct Readme;

/// Those of the page about serving are compiled: their paths are a host's own.
#[cfg(all(doctest, feature = "wasmtime", feature = "watch"))]
#[doc = include_str!("../../../docs/serving.md")]
struct ServingPage;
