use std::fmt;
use std::sync::Arc;

use kpack_schema::{FeatureSet, MEMORY_EXPORT};
use kpack_verify::{CodeOrigin, ProvenCode};
use semver::Version;
use wasmtime::{Engine, Memory, Module, Store, Trap, TypedFunc};

use self::engines::{Engines, config};
use self::limits::HostLimits;
use super::ticker::Ticker;
use super::{Backend, BackendError, Instance, NextPass, Program, RunError, STACK_OF_ENTRY};
use crate::fault::Fault;
use crate::policy::{ProgramKey, VettedModule};

mod engines;
mod limits;
mod native_code;

/// The version that the workspace pins; a test compares the two.
const VERSION: Version = Version::new(48, 0, 8);

const NAME: &str = "wasmtime";

/// The wasmtime engine.
///
/// It keeps one compiler configuration alive for each pair of feature set and stack size that some
/// program uses, and one thread that advances their deadlines; the thread ends with the last clone
/// of the backend and the last of its programs.
///
/// A call uses up to [`Limits::stack_bytes`](kpack_schema::Limits::stack_bytes) of the calling
/// thread's own stack. Where less than that and 128 KiB is left, the call runs on a stack that is
/// mapped for it alone, which costs some microseconds: call from threads with room, as those of
/// Rust's default size (2 MiB) are under the default policy.
#[derive(Clone)]
pub struct Wasmtime {
    shared: Arc<Shared>,
    offers: FeatureSet,
}

impl Wasmtime {
    /// Sets the engine up and starts its clock.
    ///
    /// # Errors
    ///
    /// [`BackendError::Setup`] when this machine cannot run the engine or start a thread.
    pub fn new() -> Result<Self, BackendError> {
        // An engine with every feature on shows at once whether this machine supports them all.
        Engine::new(&config(FeatureSet::ALL, 512 * 1024)).map_err(setup)?;
        let engines = Arc::new(Engines::default());
        let ticker = Ticker::start(engines.clone()).map_err(setup)?;
        Ok(Self {
            shared: Arc::new(Shared { engines, ticker }),
            offers: FeatureSet::ALL,
        })
    }

    /// The same engine, offering no other features than these: a kernel's variants for others are
    /// passed over. Without [`Feature::RelaxedSimd`](kpack_schema::Feature::RelaxedSimd) the
    /// results of a kernel are the same bits on every machine.
    #[must_use]
    pub fn offering(mut self, features: FeatureSet) -> Self {
        self.offers = self.offers.intersection(features);
        self
    }

    fn engine(&self, module: &VettedModule) -> Result<Engine, BackendError> {
        let key = module.program_key();
        self.shared.engines.get(key.features, key.stack_bytes)
    }

    fn program(&self, vetted: &VettedModule, module: Module) -> Arc<dyn Program> {
        Arc::new(WasmtimeProgram {
            module,
            key: vetted.program_key(),
            shared: Arc::clone(&self.shared),
        })
    }
}

impl fmt::Debug for Wasmtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wasmtime")
            .field("offers", &self.offers)
            .finish_non_exhaustive()
    }
}

impl Backend for Wasmtime {
    fn name(&self) -> &str {
        NAME
    }

    fn version(&self) -> Version {
        VERSION
    }

    fn offers(&self) -> FeatureSet {
        self.offers
    }

    fn compile(&self, module: &VettedModule) -> Result<Arc<dyn Program>, BackendError> {
        let engine = self.engine(module)?;
        let compiled = Module::from_binary(&engine, module.bytes()).map_err(|source| {
            BackendError::Compile {
                module: module.path().to_string(),
                source: source.into(),
            }
        })?;
        Ok(self.program(module, compiled))
    }

    fn code_origin(&self, module: &VettedModule) -> Option<CodeOrigin> {
        Some(native_code::origin(&self.engine(module).ok()?, module))
    }

    fn load(
        &self,
        module: &VettedModule,
        code: &ProvenCode,
    ) -> Result<Arc<dyn Program>, BackendError> {
        let loaded = native_code::load(&self.engine(module)?, module, code)?;
        Ok(self.program(module, loaded))
    }
}

/// What the backend and its programs hold together: while it lives, deadlines advance.
struct Shared {
    engines: Arc<Engines>,
    ticker: Ticker,
}

struct WasmtimeProgram {
    module: Module,
    key: ProgramKey,
    shared: Arc<Shared>,
}

impl Program for WasmtimeProgram {
    fn instantiate(&self, module: &VettedModule) -> Result<Box<dyn Instance>, RunError> {
        if module.program_key() != self.key {
            return Err(BackendError::other_program().into());
        }
        let limits = module.limits();
        let mut store = Store::new(self.module.engine(), HostLimits::new(limits));
        store.limiter(|limits| limits);
        // Data and element segments are copied by compiled code, which looks at the deadline.
        store.set_epoch_deadline(deadline(limits.epoch_ticks));
        let instance = with_stack(limits.stack_bytes, || {
            wasmtime::Instance::new(&mut store, &self.module, &[])
        });
        let instance = instance.map_err(|error| instantiation_error(error, limits.epoch_ticks))?;
        let memory = instance
            .get_memory(&mut store, MEMORY_EXPORT)
            .expect("the static policy has found the export of the memory");
        let entry = instance
            .get_typed_func(&mut store, module.entry_point())
            .expect("the static policy has found the entry point and its type");
        Ok(Box::new(WasmtimeInstance {
            store,
            memory,
            entry,
            stack_bytes: limits.stack_bytes,
            shared: Arc::clone(&self.shared),
        }))
    }

    fn native_code(&self) -> Option<Vec<u8>> {
        self.module.serialize().ok()
    }
}

struct WasmtimeInstance {
    store: Store<HostLimits>,
    memory: Memory,
    entry: TypedFunc<u32, i32>,
    stack_bytes: usize,
    shared: Arc<Shared>,
}

impl Instance for WasmtimeInstance {
    fn memory(&self) -> &[u8] {
        self.memory.data(&self.store)
    }

    fn memory_mut(&mut self) -> &mut [u8] {
        self.memory.data_mut(&mut self.store)
    }

    fn grow(&mut self, pages: u32) -> Result<(), RunError> {
        if self.memory.grow(&mut self.store, u64::from(pages)).is_ok() {
            return Ok(());
        }
        let needed_pages = self
            .memory
            .size(&self.store)
            .saturating_add(u64::from(pages));
        let max_pages = self
            .store
            .data()
            .max_pages(self.memory.ty(&self.store).maximum());
        if needed_pages > u64::from(max_pages) {
            return Err(Fault::MemoryLimit {
                needed_pages,
                max_pages,
            }
            .into());
        }
        Err(BackendError::OutOfMemory { pages }.into())
    }

    fn call(&mut self, ticks: u64, next: &mut NextPass<'_>) -> Result<i32, RunError> {
        if !self.shared.ticker.is_running() {
            return Err(clock_stopped());
        }
        let Some(mut argument) = next(self.memory.data_mut(&mut self.store)) else {
            return Ok(0);
        };
        self.store.set_epoch_deadline(deadline(ticks));
        with_stack(self.stack_bytes, || {
            loop {
                let status = self.entry.call(&mut self.store, argument)?;
                if status != 0 {
                    return Ok(status);
                }
                match next(self.memory.data_mut(&mut self.store)) {
                    Some(of_next) => argument = of_next,
                    None => return Ok(0),
                }
            }
        })
        .map_err(|error| call_error(error, ticks))
    }
}

/// What the engine itself may need of the stack, below what a kernel may use.
const HOST_STACK: usize = 128 * 1024;

/// Runs what calls a kernel with room for the kernel's stack limit. The engine counts the limit from
/// where the call starts: with less room than that, a deep recursion would end the process.
fn with_stack<R>(stack_bytes: usize, call: impl FnOnce() -> R) -> R {
    let needed = stack_bytes.saturating_add(STACK_OF_ENTRY + HOST_STACK);
    stacker::maybe_grow(needed, needed.saturating_add(HOST_STACK), call)
}

/// The number of epochs after which a call of `ticks` ends.
///
/// One more than its ticks, because the first one may be about to pass. The engine adds the number
/// to its epoch without a check: far below 2^64 the sum cannot wrap around.
fn deadline(ticks: u64) -> u64 {
    ticks.min(1 << 62) + 1
}

#[cold]
fn call_error(error: wasmtime::Error, ticks: u64) -> RunError {
    match error.downcast_ref::<Trap>() {
        Some(trap) => fault(*trap, ticks).into(),
        None => BackendError::Call {
            engine: NAME.into(),
            source: error.into(),
        }
        .into(),
    }
}

#[cold]
fn instantiation_error(error: wasmtime::Error, ticks: u64) -> RunError {
    match error.downcast_ref::<Trap>() {
        Some(trap) => fault(*trap, ticks).into(),
        None => BackendError::Instantiate {
            engine: NAME.into(),
            source: error.into(),
        }
        .into(),
    }
}

fn fault(trap: Trap, ticks: u64) -> Fault {
    match trap {
        Trap::Interrupt => Fault::Deadline { ticks },
        Trap::StackOverflow => Fault::StackOverflow,
        Trap::MemoryOutOfBounds => Fault::MemoryOutOfBounds,
        Trap::TableOutOfBounds => Fault::TableOutOfBounds,
        Trap::IndirectCallToNull => Fault::IndirectCallToNull,
        Trap::BadSignature => Fault::IndirectCallType,
        Trap::IntegerOverflow => Fault::IntegerOverflow,
        Trap::IntegerDivisionByZero => Fault::IntegerDivideByZero,
        Trap::BadConversionToInteger => Fault::BadConversionToInteger,
        Trap::UnreachableCodeReached => Fault::Unreachable,
        other => Fault::Other {
            message: other.to_string(),
        },
    }
}

#[cold]
fn clock_stopped() -> RunError {
    BackendError::ClockStopped {
        engine: NAME.into(),
    }
    .into()
}

fn setup(source: impl Into<super::Cause>) -> BackendError {
    BackendError::Setup {
        engine: NAME.into(),
        source: source.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::backend::mortal_clock::{MortalClock, no_call_is_started_without};

    #[test]
    fn the_version_is_the_one_that_the_workspace_pins() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml");
        let workspace = std::fs::read_to_string(path).unwrap();
        let line = workspace
            .lines()
            .find(|line| line.starts_with("wasmtime = "))
            .unwrap();
        assert!(line.contains(&format!("\"={VERSION}\"")), "{line}");
    }

    #[test]
    fn the_clock_runs_while_a_program_lives_and_ends_with_the_last() {
        let backend = Wasmtime::new().unwrap();
        let engines = Arc::downgrade(&backend.shared.engines);
        let program_share = Arc::clone(&backend.shared);
        drop(backend);
        assert!(program_share.ticker.is_running());
        drop(program_share);
        let give_up = Instant::now() + Duration::from_secs(5);
        while engines.strong_count() > 0 {
            assert!(Instant::now() < give_up, "the ticker thread did not end");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn no_call_is_started_once_the_clock_has_died() {
        let engines = Arc::new(Engines::default());
        let (clock, ticker) = MortalClock::start(engines.clone());
        let shared = Arc::new(Shared { engines, ticker });
        let engine = Wasmtime {
            shared: Arc::clone(&shared),
            offers: FeatureSet::ALL,
        };
        no_call_is_started_without(&clock, &engine, || shared.ticker.is_running());
    }

    #[test]
    fn a_deadline_cannot_wrap_around() {
        assert_eq!(deadline(5), 6);
        assert!(deadline(u64::MAX).checked_add(u64::MAX / 2).is_some());
    }
}
