use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use kpack_exec::{
    Backend, CompileError, CompiledKernel, PlatformError, StaticPolicy, VettedKernel,
};
use kpack_schema::{FallbackTarget, HostPolicy, KernelId, Timestamp};
use kpack_verify::{PackBytes, PackLimits, Trust};

use crate::candidate::Candidate;
use crate::clock;
use crate::compile_cache::CompileCache;
use crate::compiler::Compiler;
use crate::dispatch::{self, FallbackMode};
use crate::kernel::Kernel;
use crate::load_error::LoadError;
use crate::pack::{KernelError, Pack};
use crate::references::References;
use crate::state_dir::StateDir;
use crate::verifier::{Verifier, VettedPack};

/// Loads packs for one engine under one host policy. Immutable, shared between threads, cheap to
/// clone.
#[derive(Clone)]
pub struct Runtime {
    backend: Arc<dyn Backend>,
    verifier: Verifier,
    references: References,
    cache: Option<Arc<CompileCache>>,
}

/// A [`Runtime`] in the making, for a host that differs from the defaults.
///
/// ```
/// # fn example(backend: impl kpack::Backend + 'static) -> kpack::Runtime {
/// use kpack::{HostPolicy, LimitPolicy, Runtime};
///
/// let limits = LimitPolicy { max_memory_pages: 4096, ..LimitPolicy::default() };
/// Runtime::builder(backend).host_policy(HostPolicy { limits, ..HostPolicy::default() }).build()
/// # }
/// ```
#[derive(Clone)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct RuntimeBuilder {
    runtime: Runtime,
    serves: Serves,
}

/// Where the fallbacks that the host names come from.
#[derive(Debug, Clone, Copy)]
enum Serves {
    Policy,
    References,
}

impl Runtime {
    /// A runtime on this engine, under the default policies.
    #[must_use]
    pub fn new(backend: impl Backend + 'static) -> Self {
        Self::builder(backend).build()
    }

    /// Starts a runtime with policies of its own.
    pub fn builder(backend: impl Backend + 'static) -> RuntimeBuilder {
        RuntimeBuilder {
            runtime: Self {
                backend: Arc::new(backend),
                verifier: Verifier::default(),
                references: References::new(),
                cache: None,
            },
            serves: Serves::Policy,
        }
    }

    /// Reads, verifies and compiles the pack in a folder or an archive, as of now.
    ///
    /// # Errors
    ///
    /// As [`load_at`](Self::load_at), and [`LoadError::Clock`] when the system's clock is no use.
    pub fn load(&self, path: impl AsRef<Path>, trust: &Trust) -> Result<Pack, LoadError> {
        self.load_at(path, trust, clock::now()?)
    }

    /// Reads, verifies and compiles the pack in a folder or an archive, as of the given time.
    ///
    /// # Errors
    ///
    /// As [`Verifier::verify_at`] and [`compile`](Self::compile), and [`LoadError::NoKernelFits`]
    /// when no kernel runs on this engine.
    pub fn load_at(
        &self,
        path: impl AsRef<Path>,
        trust: &Trust,
        now: Timestamp,
    ) -> Result<Pack, LoadError> {
        self.load_with(|verifier| verifier.verify_at(path, trust, now))
    }

    /// Verifies and compiles a pack whose bytes are in memory, as of the given time.
    ///
    /// # Errors
    ///
    /// As [`Verifier::verify_bytes`] and [`compile`](Self::compile), and
    /// [`LoadError::NoKernelFits`] when no kernel runs on this engine.
    pub fn load_bytes(
        &self,
        bytes: PackBytes,
        trust: &Trust,
        now: Timestamp,
    ) -> Result<Pack, LoadError> {
        self.load_with(|verifier| verifier.verify_bytes(bytes, trust, now))
    }

    /// Compiles every kernel of a pack that this engine runs; a kernel that it does not run is
    /// listed as [unavailable](Pack::unavailable). Where any kernel runs, the pack is
    /// [accepted](VettedPack::accept).
    ///
    /// # Errors
    ///
    /// [`LoadError::OtherPolicy`] for a pack that another policy than this runtime's judged, when
    /// the engine fails, and as [`VettedPack::accept`]. A pack of which no kernel runs on this engine is not an error here, as
    /// it is where a pack is loaded.
    pub fn compile(&self, pack: &VettedPack) -> Result<Pack, LoadError> {
        accepted(self.prepare(pack)?)
    }

    /// Compiles one kernel of a pack with its fallbacks, unless the mode is strict, and leaves the
    /// others: the pack that this gives has no further kernel. When any of them runs, the pack is
    /// [accepted](VettedPack::accept).
    ///
    /// # Errors
    ///
    /// As [`compile`](Self::compile), and [`LoadError::Kernel`] when the pack has no such kernel.
    pub fn compile_chain(
        &self,
        pack: &VettedPack,
        id: &str,
        mode: FallbackMode,
    ) -> Result<Pack, LoadError> {
        let manifest = pack.manifest();
        let asked = manifest
            .kernel(id)
            .ok_or_else(|| KernelError::unknown(id, manifest))?;
        let chain = dispatch::targets(manifest, asked, mode);
        let is_in_chain = |kernel: &VettedKernel| {
            let kernel = FallbackTarget::Kernel(self::id(kernel).clone());
            chain.contains(&kernel)
        };
        accepted(self.prepare_some(pack, is_in_chain)?)
    }

    /// Compiles every kernel of a pack that this engine runs, and leaves the pack unaccepted: for a
    /// host that looks at what it does before it takes it. A [`Slot`](crate::Slot) does so.
    ///
    /// # Errors
    ///
    /// [`LoadError::OtherPolicy`] for a pack that another policy than this runtime's judged, and
    /// when the engine fails.
    pub fn prepare(&self, pack: &VettedPack) -> Result<Candidate, LoadError> {
        self.prepare_some(pack, |_| true)
    }

    /// Compiles one kernel of a pack and leaves the others. When it runs, the pack is
    /// [accepted](VettedPack::accept).
    ///
    /// # Errors
    ///
    /// [`LoadError::Kernel`] when the pack has no such kernel or this engine does not run it;
    /// [`LoadError::OtherPolicy`] for a pack that another policy than this runtime's judged;
    /// [`LoadError::Compile`] when the engine fails; and as [`VettedPack::accept`].
    pub fn compile_kernel(&self, pack: &VettedPack, id: &str) -> Result<Kernel, LoadError> {
        self.expect_own_policy(pack)?;
        let mut kernels = pack.kernels();
        let kernel = kernels
            .find(|kernel| self::id(kernel).as_ref() == id)
            .ok_or_else(|| KernelError::unknown(id, pack.manifest()))?;
        let compiled = compile(&self.compiler(), kernel)?;
        let compiled = compiled.map_err(|source| KernelError::Unavailable {
            kernel: self::id(kernel).clone(),
            source: Box::new(source),
        })?;
        pack.accept()?;
        Ok(compiled)
    }

    /// The engine.
    #[must_use]
    pub fn backend(&self) -> &dyn Backend {
        self.backend.as_ref()
    }

    /// The native kernels that serve when a pack's own do not.
    #[must_use]
    pub const fn references(&self) -> &References {
        &self.references
    }

    /// What judges packs before the engine sees them.
    #[must_use]
    pub const fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    fn prepare_some(
        &self,
        pack: &VettedPack,
        is_wanted: impl Fn(&VettedKernel) -> bool,
    ) -> Result<Candidate, LoadError> {
        self.expect_own_policy(pack)?;
        let backend = self.compiler();
        let mut kernels = BTreeMap::new();
        for kernel in pack.kernels().filter(|kernel| is_wanted(kernel)) {
            kernels.insert(id(kernel).clone(), compile(&backend, kernel)?);
        }
        Ok(Candidate::new(Pack::new(
            pack.clone(),
            self.backend.name().to_owned(),
            kernels,
            self.references.clone(),
        )))
    }

    /// A pack may ask for no more than this runtime's host allows, whoever judged it.
    fn expect_own_policy(&self, pack: &VettedPack) -> Result<(), LoadError> {
        if *pack.verifier() == self.verifier {
            return Ok(());
        }
        Err(LoadError::OtherPolicy {
            pack: pack.name().clone(),
        })
    }

    fn compiler(&self) -> Compiler<'_> {
        Compiler::new(self.backend.as_ref(), self.cache.as_deref())
    }

    fn load_with(
        &self,
        verify: impl FnOnce(&Verifier) -> Result<VettedPack, LoadError>,
    ) -> Result<Pack, LoadError> {
        let engine = self.backend.name();
        let span = tracing::info_span!("load", pack = tracing::field::Empty, engine);
        let _entered = span.enter();
        let vetted = verify(&self.verifier)?;
        span.record("pack", vetted.name().as_str());
        let pack = some_available(self.compile(&vetted)?)?;
        tracing::info!(signers = ?pack.signers(), manifest = %pack.manifest_digest(), "loaded");
        Ok(pack)
    }
}

impl RuntimeBuilder {
    /// What judges packs, with all its policies: for a host that also judges packs without a runtime.
    pub fn verifier(mut self, verifier: Verifier) -> Self {
        self.runtime.verifier = verifier;
        self
    }

    /// The native kernels that serve when a pack's own do not. From here on, these are the fallbacks
    /// that the host names, whatever its policy named.
    ///
    /// A pack that a verifier of the host's own judged is compiled only where that verifier's policy
    /// names the same: see [`References::host_policy`].
    pub fn references(mut self, references: References) -> Self {
        self.runtime.references = references;
        self.serves = Serves::References;
        self
    }

    /// What a manifest may ask for: the highest limits, and the fallbacks that the host names.
    pub fn host_policy(mut self, policy: HostPolicy) -> Self {
        self.runtime.verifier = self.runtime.verifier.with_host_policy(policy);
        self
    }

    /// What a module may be.
    pub fn static_policy(mut self, policy: StaticPolicy) -> Self {
        self.runtime.verifier = self.runtime.verifier.with_static_policy(policy);
        self
    }

    /// How large a pack may be.
    pub fn pack_limits(mut self, limits: PackLimits) -> Self {
        self.runtime.verifier = self.runtime.verifier.with_pack_limits(limits);
        self
    }

    /// Where the floors are kept, so that no pack older than one that was loaded is loaded again;
    /// without one, there are no floors.
    pub fn state(mut self, state: StateDir) -> Self {
        self.runtime.verifier = self.runtime.verifier.with_state(state);
        self
    }

    /// Where machine code is kept from run to run; without one, every pack is compiled anew.
    pub fn compile_cache(mut self, cache: CompileCache) -> Self {
        self.runtime.cache = Some(Arc::new(cache));
        self
    }

    /// The runtime.
    #[must_use]
    pub fn build(self) -> Runtime {
        let mut runtime = self.runtime;
        if let Serves::References = self.serves {
            let policy = HostPolicy {
                named_fallbacks: runtime.references.named(),
                ..runtime.verifier.host_policy().clone()
            };
            runtime.verifier = runtime.verifier.with_host_policy(policy);
        }
        runtime
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime")
            .field("engine", &self.backend.name())
            .field("verifier", &self.verifier)
            .field("references", &self.references)
            .field("cache", &self.cache)
            .finish()
    }
}

impl fmt::Debug for RuntimeBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuntimeBuilder")
            .field("runtime", &self.runtime)
            .field("serves", &self.serves)
            .finish()
    }
}

fn id(kernel: &VettedKernel) -> &KernelId {
    kernel.verified().checked().id()
}

/// The kernel, or why it does not run on this engine.
fn compile(
    backend: &dyn Backend,
    kernel: &VettedKernel,
) -> Result<Result<Kernel, PlatformError>, LoadError> {
    match CompiledKernel::compile(backend, kernel) {
        Ok(compiled) => Ok(Ok(Kernel::new(compiled))),
        Err(CompileError::Platform(reason)) => {
            tracing::warn!(kernel = %id(kernel), %reason, "kernel is unavailable on this engine");
            Ok(Err(reason))
        }
        Err(source) => Err(LoadError::Compile {
            kernel: id(kernel).clone(),
            source: Box::new(source),
        }),
    }
}

/// The pack, accepted where any of its kernels runs on this engine.
fn accepted(candidate: Candidate) -> Result<Pack, LoadError> {
    if candidate.pack().kernels().next().is_none() {
        return Ok(candidate.into_pack());
    }
    candidate.accept()
}

/// The pack, if any of its kernels runs on this engine.
pub(crate) fn some_available(pack: Pack) -> Result<Pack, LoadError> {
    let mut unavailable = pack.unavailable();
    match unavailable.next() {
        Some((_, first)) if pack.kernels().next().is_none() => Err(LoadError::NoKernelFits {
            pack: pack.name().clone(),
            source: Box::new(first.clone()),
        }),
        _ => {
            drop(unavailable);
            Ok(pack)
        }
    }
}
