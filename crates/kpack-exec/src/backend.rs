use std::sync::Arc;

use kpack_schema::FeatureSet;
use kpack_verify::{CodeOrigin, ProvenCode};
use semver::Version;

use crate::fault::Fault;
use crate::policy::VettedModule;

pub(crate) use budget::Budget;
pub use budget::TICK;

mod budget;
pub(crate) mod huge_pages;
#[cfg(all(test, any(feature = "wasmtime", feature = "wasmer")))]
#[allow(clippy::unwrap_used, reason = "a failed test may panic")]
mod mortal_clock;
#[cfg(any(feature = "wasmtime", feature = "wasmer"))]
mod ticker;
#[cfg(feature = "wasmer")]
pub(crate) mod wasmer;
#[cfg(feature = "wasmtime")]
pub(crate) mod wasmtime;

/// An engine: turns vetted modules into programs.
///
/// The three traits of this module know bytes, memory, one entry point, features and budgets, and
/// no kernel by name. An engine outside this crate implements them as the ones inside do.
///
/// What every implementation owes its callers:
/// * each wasm proposal outside [`VettedModule::features`] and the set that is always on is off;
/// * the [`limits`](VettedModule::limits) bind: memory and tables can never grow past them (the
///   guest's `memory.grow` and `table.grow` return -1), the stack and the deadline end the call;
/// * guest code cannot unwind into, or stop, the host.
pub trait Backend: Send + Sync {
    /// The name under which a manifest's `platforms` knows the engine, such as `wasmtime`.
    fn name(&self) -> &str;

    /// The engine's own version, which a manifest's `min_version` is compared with.
    fn version(&self) -> Version;

    /// The features that modules for this engine may need.
    fn offers(&self) -> FeatureSet;

    /// Compiles a module that the static policy has passed. The program serves every kernel whose
    /// module has the same [`program_key`](VettedModule::program_key).
    ///
    /// # Errors
    ///
    /// When the engine cannot compile the module or cannot be set up for its limits.
    fn compile(&self, module: &VettedModule) -> Result<Arc<dyn Program>, BackendError>;

    /// What the machine code of a module would depend on; `None` from an engine whose code cannot
    /// be stored.
    fn code_origin(&self, module: &VettedModule) -> Option<CodeOrigin> {
        let _ = module;
        None
    }

    /// The program of a module from machine code that an engine with the same
    /// [`code_origin`](Self::code_origin) made of it.
    ///
    /// # Errors
    ///
    /// When the code is of another origin, or the engine does not take it: it is then to be
    /// compiled.
    fn load(
        &self,
        module: &VettedModule,
        code: &ProvenCode,
    ) -> Result<Arc<dyn Program>, BackendError> {
        let _ = (module, code);
        Err(BackendError::Contract {
            what: "code is loaded by the engine that stores it",
        })
    }
}

/// A compiled module; immutable and shared between threads and kernels.
pub trait Program: Send + Sync {
    /// A new instance with a memory, globals and tables of its own, for the entry point and within
    /// the limits of `module`, whose [`program_key`](VettedModule::program_key) is the one that the
    /// program was compiled with.
    ///
    /// # Errors
    ///
    /// A [`Fault`] when the module itself prevents it, such as a data segment past the end of its
    /// memory; a [`BackendError`] when the host lacks the resources or the key is another.
    fn instantiate(&self, module: &VettedModule) -> Result<Box<dyn Instance>, RunError>;

    /// The program's machine code, to be stored for [`Backend::load`]; `None` from an engine whose
    /// code cannot be stored.
    fn native_code(&self) -> Option<Vec<u8>> {
        None
    }
}

/// One instance of a program. It serves one owner, and after a fault it is never called again.
pub trait Instance: Send {
    /// The instance's linear memory as it is now. Its start is aligned to 64 bytes.
    fn memory(&self) -> &[u8];

    /// The instance's linear memory, to be written by the host between calls.
    fn memory_mut(&mut self) -> &mut [u8];

    /// Adds `pages` of 64 KiB, all zero, at the end of the memory.
    ///
    /// # Errors
    ///
    /// [`Fault::MemoryLimit`] past the limit or the module's own maximum; a [`BackendError`] when
    /// the host has no such memory.
    fn grow(&mut self, pages: u32) -> Result<(), RunError>;

    /// Calls the entry point once for each argument that `next` gives, and returns the status code of
    /// the last call: 0, or the first that is not.
    ///
    /// `next` is handed the memory, to be written before the call that it gives the argument for. All
    /// the calls together are given at least `ticks` of 10 ms wall clock, and at most one more; what
    /// `next` does before the second and later ones is part of that.
    ///
    /// # Errors
    ///
    /// The [`Fault`] that ended a call, or a [`BackendError`] when the engine itself failed.
    fn call(&mut self, ticks: u64, next: &mut NextPass<'_>) -> Result<i32, RunError>;
}

/// Prepares the memory for one more call of the entry point and gives its argument; `None` when there
/// is none to come.
pub type NextPass<'a> = dyn FnMut(&mut [u8]) -> Option<u32> + 'a;

/// Why an instance could not be made, grown or called.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The kernel's fault.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The engine's or the host's.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// What a call may use of the stack beyond the kernel's limit: the engines' own entries into a kernel
/// count as part of its stack, and differ. A kernel that fits its limit thus runs on each.
#[cfg(any(feature = "wasmtime", feature = "wasmer"))]
pub(crate) const STACK_OF_ENTRY: usize = 8 * 1024;

/// What an engine reports about itself.
pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// An engine failed where no kernel is to blame.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackendError {
    /// The engine could not be set up on this machine.
    #[error("the engine could not be set up: `{engine}`")]
    Setup {
        /// The engine's name.
        engine: String,
        /// What the engine says.
        source: Cause,
    },
    /// The engine did not compile a module that the static policy had passed.
    #[error("the engine did not compile the module: `{module}`")]
    Compile {
        /// The module's path in its pack.
        module: String,
        /// What the engine says.
        source: Cause,
    },
    /// The engine did not take machine code that was stored for it.
    #[error("the engine did not take the stored code of the module: `{module}`")]
    Load {
        /// The module's path in its pack.
        module: String,
        /// What the engine says.
        source: Cause,
    },
    /// The engine could not make an instance.
    #[error("the engine could not make an instance: `{engine}`")]
    Instantiate {
        /// The engine's name.
        engine: String,
        /// What the engine says.
        source: Cause,
    },
    /// The host has no memory for the instance, though its limits allow it.
    #[error("the host has no memory for the instance, pages needed: `{pages}`")]
    OutOfMemory {
        /// Pages of 64 KiB that were asked for.
        pages: u32,
    },
    /// The engine failed during a call.
    #[error("the engine failed during a call: `{engine}`")]
    Call {
        /// The engine's name.
        engine: String,
        /// What the engine says.
        source: Cause,
    },
    /// The clock that keeps the deadlines has stopped; no call is started without it.
    #[error("the deadline clock has stopped: `{engine}`")]
    ClockStopped {
        /// The engine's name.
        engine: String,
    },
    /// The host could not start the threads that a caller was to work on.
    #[error("the host could not start the caller's threads")]
    Threads {
        /// What the host says.
        source: Cause,
    },
    /// The engine does not keep its contract with this crate.
    #[error("the engine broke its contract: `{what}`")]
    Contract {
        /// The rule that does not hold.
        what: &'static str,
    },
}

impl BackendError {
    /// Code was to be loaded for a module or an engine that it was not made from or for.
    #[cfg(any(feature = "wasmtime", feature = "wasmer"))]
    #[cold]
    fn other_origin() -> Self {
        Self::Contract {
            what: "code is loaded for the origin that it is proven for",
        }
    }

    /// A program was asked for an instance of a module that it was not compiled from.
    #[cfg(any(feature = "wasmtime", feature = "wasmer"))]
    #[cold]
    fn other_program() -> Self {
        Self::Contract {
            what: "a program serves the modules of its own key",
        }
    }

    /// A stable name for programs, in `snake_case`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Setup { .. } => "engine_setup",
            Self::Compile { .. } => "engine_compile",
            Self::Load { .. } => "engine_load",
            Self::Instantiate { .. } => "engine_instantiate",
            Self::OutOfMemory { .. } => "engine_out_of_memory",
            Self::Call { .. } => "engine_call",
            Self::ClockStopped { .. } => "engine_clock_stopped",
            Self::Threads { .. } => "engine_threads",
            Self::Contract { .. } => "engine_contract",
        }
    }
}
