use std::fmt;
use std::sync::Arc;

use kpack_schema::{Feature, FeatureSet, MEMORY_EXPORT};
use kpack_verify::{CodeOrigin, ProvenCode};
use semver::Version;
use wasmer::sys::vm::TrapCode;
use wasmer::sys::{BaseTunables, CompilerConfig, Cranelift, EngineBuilder, Features, Target};
use wasmer::{
    Engine, Global, InstantiationError, LinkError, Memory, Module, RuntimeError, TypedFunction,
    Value,
};

use self::clock::Clock;
use self::guards::Guards;
use self::own_store::OwnStore;
use self::tunables::HostLimits;
use super::ticker::Ticker;
use super::{Backend, BackendError, Cause, Instance, NextPass, Program, RunError};
use crate::fault::Fault;
use crate::policy::{ProgramKey, VettedModule};

mod clock;
mod guards;
mod native_code;
mod own_store;
mod stack;
mod tunables;

/// The version that the workspace pins; a test compares the two.
const VERSION: Version = Version::new(7, 3, 0);

const NAME: &str = "wasmer";

/// Not relaxed SIMD: the compiler would not use fused multiply-add, and some of the relaxed
/// instructions are slower than the plain ones.
const FEATURES: [Feature; 3] = [Feature::BulkMemory, Feature::ReferenceTypes, Feature::Simd];

/// The wasmer engine, with its Cranelift compiler.
///
/// It keeps one thread that counts ticks for the deadlines of its programs; the thread ends with
/// the last clone of the backend and the last of its programs.
///
/// A call runs on a stack of its own of
/// [`Limits::stack_bytes`](kpack_schema::Limits::stack_bytes) and a few KiB for the entry, which
/// the thread keeps for its next call. A thread that calls kernels of different stack sizes by
/// turns pays some microseconds for each change. A host that uses wasmer by itself on the same
/// thread should give its own calls no larger stack than the kernels have: the engine hands out
/// whichever stack it kept.
///
/// It does not offer relaxed SIMD, which its compiler makes no faster.
#[derive(Clone)]
pub struct Wasmer {
    shared: Arc<Shared>,
    offers: FeatureSet,
}

impl Wasmer {
    /// Sets the engine up and starts its clock.
    ///
    /// # Errors
    ///
    /// [`BackendError::Setup`] when this machine cannot run the engine or start a thread.
    pub fn new() -> Result<Self, BackendError> {
        let clock = Arc::new(Clock::new());
        let ticker = Ticker::start(clock.clone()).map_err(|source| BackendError::Setup {
            engine: NAME.into(),
            source: source.into(),
        })?;
        Ok(Self {
            shared: Arc::new(Shared { clock, ticker }),
            offers: FEATURES.into_iter().collect(),
        })
    }

    /// The same engine, offering no other features than these: a kernel's variants for others are
    /// passed over.
    #[must_use]
    pub fn offering(mut self, features: FeatureSet) -> Self {
        self.offers = self.offers.intersection(features);
        self
    }

    fn program(&self, vetted: &VettedModule, engine: Engine, module: Module) -> Arc<dyn Program> {
        Arc::new(WasmerProgram {
            module,
            engine,
            tunables: BaseTunables::for_target(&Target::default()),
            key: vetted.program_key(),
            shared: Arc::clone(&self.shared),
        })
    }
}

impl fmt::Debug for Wasmer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wasmer")
            .field("offers", &self.offers)
            .finish_non_exhaustive()
    }
}

impl Backend for Wasmer {
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
        let engine = engine(&module.program_key());
        let compiled = Module::from_binary(&engine, module.bytes()).map_err(|source| {
            BackendError::Compile {
                module: module.path().to_string(),
                source: source.into(),
            }
        })?;
        Ok(self.program(module, engine, compiled))
    }

    fn code_origin(&self, module: &VettedModule) -> Option<CodeOrigin> {
        Some(native_code::origin(module))
    }

    fn load(
        &self,
        module: &VettedModule,
        code: &ProvenCode,
    ) -> Result<Arc<dyn Program>, BackendError> {
        let engine = engine(&module.program_key());
        let loaded = native_code::load(&engine, module, code)?;
        Ok(self.program(module, engine, loaded))
    }
}

/// What the backend and its programs hold together: while it lives, deadlines advance.
struct Shared {
    clock: Arc<Clock>,
    ticker: Ticker,
}

/// An engine for one program: it keeps the code of every module that it ever compiled until it is
/// dropped itself, and the guards are a compiler's.
fn engine(key: &ProgramKey) -> Engine {
    let mut compiler = Cranelift::new();
    compiler.push_middleware(Arc::new(Guards::new(key.table_elements)));
    EngineBuilder::new(compiler)
        .set_features(Some(engine_features(key.features)))
        .engine()
        .into()
}

/// Exactly what a module that names `set` may use; every other proposal is off.
fn engine_features(set: FeatureSet) -> Features {
    Features {
        multi_value: true,
        bulk_memory: set.contains(Feature::BulkMemory),
        reference_types: set.contains(Feature::ReferenceTypes),
        simd: set.contains(Feature::Simd),
        relaxed_simd: set.contains(Feature::RelaxedSimd),
        ..Features::none()
    }
}

struct WasmerProgram {
    module: Module,
    engine: Engine,
    tunables: BaseTunables,
    key: ProgramKey,
    shared: Arc<Shared>,
}

impl Program for WasmerProgram {
    fn instantiate(&self, module: &VettedModule) -> Result<Box<dyn Instance>, RunError> {
        if module.program_key() != self.key {
            return Err(BackendError::other_program().into());
        }
        let limits = module.limits();
        let host_limits = HostLimits::new(limits, self.tunables.clone());
        let engine = self.engine.clone();
        let (store, instance) =
            OwnStore::instantiate(engine, &self.module, host_limits, &self.shared.clock)
                .map_err(instantiation_error)?;
        let exports = &instance.exports;
        let memory = exports
            .get_memory(MEMORY_EXPORT)
            .expect("the static policy has found the export of the memory")
            .clone();
        let entry = exports
            .get_typed_function(store.get(), module.entry_point())
            .expect("the static policy has found the entry point and its type");
        let deadline = exports
            .get_global(guards::DEADLINE_EXPORT)
            .expect("the guards export the deadline")
            .clone();
        Ok(Box::new(WasmerInstance {
            store,
            memory,
            entry,
            deadline,
            stack_bytes: stack::with_entry(limits.stack_bytes),
            max_pages: limits
                .memory_pages
                .min(module.memory().maximum.unwrap_or(u32::MAX)),
            shared: Arc::clone(&self.shared),
        }))
    }

    fn native_code(&self) -> Option<Vec<u8>> {
        Some(self.module.serialize().ok()?.to_vec())
    }
}

struct WasmerInstance {
    store: OwnStore,
    memory: Memory,
    entry: TypedFunction<u32, i32>,
    deadline: Global,
    stack_bytes: usize,
    /// The lower of the memory limit and the module's own maximum.
    max_pages: u32,
    shared: Arc<Shared>,
}

impl Instance for WasmerInstance {
    fn memory(&self) -> &[u8] {
        self.store.bytes(&self.memory)
    }

    fn memory_mut(&mut self) -> &mut [u8] {
        self.store.bytes_mut(&self.memory)
    }

    fn grow(&mut self, pages: u32) -> Result<(), RunError> {
        if self.memory.grow(self.store.get_mut(), pages).is_ok() {
            return Ok(());
        }
        let size = self.memory.view(self.store.get()).size().0;
        let needed_pages = u64::from(size) + u64::from(pages);
        if needed_pages > u64::from(self.max_pages) {
            return Err(Fault::MemoryLimit {
                needed_pages,
                max_pages: self.max_pages,
            }
            .into());
        }
        Err(BackendError::OutOfMemory { pages }.into())
    }

    fn call(&mut self, ticks: u64, next: &mut NextPass<'_>) -> Result<i32, RunError> {
        if !self.shared.ticker.is_running() {
            return Err(clock_stopped());
        }
        stack::prepare(self.stack_bytes);
        self.passes(ticks, next)
            .map_err(|error| self.call_error(error, ticks))
    }
}

impl WasmerInstance {
    fn passes(&mut self, ticks: u64, next: &mut NextPass<'_>) -> Result<i32, RuntimeError> {
        let Some(mut argument) = next(self.store.bytes_mut(&self.memory)) else {
            return Ok(0);
        };
        let deadline = Value::I64(self.shared.clock.deadline(ticks));
        self.deadline.set(self.store.get_mut(), deadline)?;
        loop {
            let status = self.entry.call(self.store.get_mut(), argument)?;
            if status != 0 {
                return Ok(status);
            }
            match next(self.store.bytes_mut(&self.memory)) {
                Some(of_next) => argument = of_next,
                None => return Ok(0),
            }
        }
    }

    #[cold]
    fn call_error(&mut self, error: RuntimeError, ticks: u64) -> RunError {
        let passed = Value::I64(guards::DEADLINE_PASSED);
        if self.deadline.get(self.store.get_mut()) == passed {
            return Fault::Deadline { ticks }.into();
        }
        match error.clone().to_trap() {
            Some(trap) => fault(trap).into(),
            None => BackendError::Call {
                engine: NAME.into(),
                source: error.into(),
            }
            .into(),
        }
    }
}

#[cold]
fn instantiation_error(error: Box<InstantiationError>) -> RunError {
    let trap = match error.as_ref() {
        InstantiationError::Link(LinkError::Trap(trap)) | InstantiationError::Start(trap) => {
            trap.clone().to_trap()
        }
        _ => None,
    };
    match trap {
        Some(trap) => fault(trap).into(),
        None => BackendError::Instantiate {
            engine: NAME.into(),
            source: Cause::from(error),
        }
        .into(),
    }
}

fn fault(trap: TrapCode) -> Fault {
    match trap {
        TrapCode::StackOverflow => Fault::StackOverflow,
        TrapCode::HeapAccessOutOfBounds => Fault::MemoryOutOfBounds,
        TrapCode::TableAccessOutOfBounds => Fault::TableOutOfBounds,
        TrapCode::IndirectCallToNull => Fault::IndirectCallToNull,
        TrapCode::BadSignature => Fault::IndirectCallType,
        TrapCode::IntegerOverflow => Fault::IntegerOverflow,
        TrapCode::IntegerDivisionByZero => Fault::IntegerDivideByZero,
        TrapCode::BadConversionToInteger => Fault::BadConversionToInteger,
        TrapCode::UnreachableCodeReached => Fault::Unreachable,
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
            .find(|line| line.starts_with("wasmer = "))
            .unwrap();
        assert!(line.contains(&format!("\"={VERSION}\"")), "{line}");
    }

    #[test]
    fn only_named_proposals_are_on() {
        let none = engine_features(FeatureSet::EMPTY);
        let always_on = Features {
            multi_value: true,
            ..Features::none()
        };
        assert_eq!(none, always_on);
        let offered = engine_features(Wasmer::new().unwrap().offers());
        let named = Features {
            multi_value: true,
            bulk_memory: true,
            reference_types: true,
            simd: true,
            ..Features::none()
        };
        assert_eq!(offered, named);
    }

    #[test]
    fn the_clock_runs_while_a_program_lives_and_ends_with_the_last() {
        let backend = Wasmer::new().unwrap();
        let clock = Arc::downgrade(&backend.shared.clock);
        let program_share = Arc::clone(&backend.shared);
        drop(backend);
        assert!(program_share.ticker.is_running());
        drop(program_share);
        let give_up = Instant::now() + Duration::from_secs(5);
        while clock.strong_count() > 0 {
            assert!(Instant::now() < give_up, "the ticker thread did not end");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn no_call_is_started_once_the_clock_has_died() {
        let shown = Arc::new(Clock::new());
        let (clock, ticker) = MortalClock::start(shown.clone());
        let shared = Arc::new(Shared {
            clock: shown,
            ticker,
        });
        let engine = Wasmer {
            shared: Arc::clone(&shared),
            offers: FeatureSet::EMPTY,
        };
        no_call_is_started_without(&clock, &engine, || shared.ticker.is_running());
    }
}
