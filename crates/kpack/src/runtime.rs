use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use kpack_exec::{Backend, CompileError, CompiledKernel, PlatformError, StaticPolicy};
use kpack_schema::{HostPolicy, KernelId, Timestamp};
use kpack_verify::{PackBytes, PackLimits, Trust, VerifiedKernel, VerifiedPack};

use crate::compile_once::CompileOnce;
use crate::kernel::Kernel;
use crate::load_error::LoadError;
use crate::pack::Pack;
use crate::pack_dir::PackDir;

/// Loads packs for one engine under one host policy. Immutable, shared between threads, cheap to
/// clone.
#[derive(Clone)]
pub struct Runtime {
    backend: Arc<dyn Backend>,
    host_policy: HostPolicy,
    static_policy: StaticPolicy,
    pack_limits: PackLimits,
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
                host_policy: HostPolicy::default(),
                static_policy: StaticPolicy::default(),
                pack_limits: PackLimits::default(),
            },
        }
    }

    /// Reads, verifies and compiles the pack in a folder, as of now.
    ///
    /// # Errors
    ///
    /// As [`load_at`](Self::load_at), and [`LoadError::Clock`] when the system's clock is no use.
    pub fn load(&self, path: impl AsRef<Path>, trust: &Trust) -> Result<Pack, LoadError> {
        self.load_at(path, trust, Timestamp::try_from(SystemTime::now())?)
    }

    /// Reads, verifies and compiles the pack in a folder, as of the given time.
    ///
    /// Every kernel that this engine runs is compiled; a kernel that it does not run is listed as
    /// [unavailable](Pack::unavailable).
    ///
    /// # Errors
    ///
    /// When the folder cannot be read or holds what a pack may not, the pack is not trusted, the
    /// static policy refuses any of its modules, no kernel runs on this engine, or the engine fails.
    pub fn load_at(
        &self,
        path: impl AsRef<Path>,
        trust: &Trust,
        now: Timestamp,
    ) -> Result<Pack, LoadError> {
        let path = path.as_ref();
        let span = self.load_span();
        let _entered = span.enter();
        let bytes = PackDir::open_with(path, self.pack_limits)
            .and_then(|folder| folder.read())
            .map_err(|source| LoadError::Read {
                path: path.to_owned(),
                source,
            })?;
        self.load_entered(bytes, &path.display().to_string(), trust, now, &span)
    }

    /// Verifies and compiles a pack whose bytes are in memory, as of the given time.
    ///
    /// # Errors
    ///
    /// As [`load_at`](Self::load_at), but for the reading.
    pub fn load_bytes(
        &self,
        bytes: PackBytes,
        trust: &Trust,
        now: Timestamp,
    ) -> Result<Pack, LoadError> {
        let span = self.load_span();
        let _entered = span.enter();
        self.load_entered(bytes, "in memory", trust, now, &span)
    }

    /// The engine.
    #[must_use]
    pub fn backend(&self) -> &dyn Backend {
        self.backend.as_ref()
    }

    /// What the host lets a manifest ask for.
    #[must_use]
    pub const fn host_policy(&self) -> &HostPolicy {
        &self.host_policy
    }

    fn load_span(&self) -> tracing::Span {
        tracing::info_span!(
            "load",
            pack = tracing::field::Empty,
            engine = self.backend.name()
        )
    }

    fn load_entered(
        &self,
        bytes: PackBytes,
        origin: &str,
        trust: &Trust,
        now: Timestamp,
        span: &tracing::Span,
    ) -> Result<Pack, LoadError> {
        let verified = self.verify(bytes, origin, trust, now)?;
        span.record("pack", verified.manifest().name().as_str());
        for kernel in verified.kernels() {
            self.static_policy
                .vet_all(kernel)
                .map_err(|source| LoadError::Policy {
                    kernel: kernel.checked().id().clone(),
                    source,
                })?;
        }
        let pack = self.compile(verified)?;
        tracing::info!(signers = ?pack.signers(), manifest = %pack.manifest_digest(), "loaded");
        Ok(pack)
    }

    fn verify(
        &self,
        bytes: PackBytes,
        origin: &str,
        trust: &Trust,
        now: Timestamp,
    ) -> Result<VerifiedPack, LoadError> {
        let _span = tracing::info_span!("verify", pack = origin).entered();
        trust
            .verify_with(bytes, now, &self.host_policy)
            .map_err(|source| LoadError::Verify {
                pack: origin.to_owned(),
                source: Box::new(source),
            })
    }

    fn compile(&self, verified: VerifiedPack) -> Result<Pack, LoadError> {
        let backend = CompileOnce::new(self.backend.as_ref());
        let mut kernels = BTreeMap::new();
        for kernel in verified.kernels() {
            let id = kernel.checked().id().clone();
            kernels.insert(id, self.compile_kernel(&backend, kernel)?);
        }
        if let Some(source) = none_available(&verified, &kernels) {
            return Err(LoadError::NoKernelFits {
                pack: verified.manifest().name().clone(),
                source: Box::new(source.clone()),
            });
        }
        Ok(Pack::new(verified, self.backend.name().to_owned(), kernels))
    }

    fn compile_kernel(
        &self,
        backend: &CompileOnce<'_>,
        kernel: &VerifiedKernel,
    ) -> Result<Result<Kernel, PlatformError>, LoadError> {
        let id = || kernel.checked().id().clone();
        match CompiledKernel::compile(backend, kernel, &self.static_policy) {
            Ok(compiled) => Ok(Ok(Kernel::new(compiled, kernel.clone()))),
            Err(CompileError::Platform(reason)) => {
                tracing::warn!(kernel = %id(), %reason, "kernel is unavailable on this engine");
                Ok(Err(reason))
            }
            Err(source) => Err(LoadError::Compile {
                kernel: id(),
                source: Box::new(source),
            }),
        }
    }
}

impl RuntimeBuilder {
    /// What a manifest may ask for: the highest limits, and the fallbacks that the host serves.
    pub fn host_policy(mut self, policy: HostPolicy) -> Self {
        self.runtime.host_policy = policy;
        self
    }

    /// What a module may be.
    pub fn static_policy(mut self, policy: StaticPolicy) -> Self {
        self.runtime.static_policy = policy;
        self
    }

    /// How large a pack may be.
    pub const fn pack_limits(mut self, limits: PackLimits) -> Self {
        self.runtime.pack_limits = limits;
        self
    }

    /// The runtime.
    #[must_use]
    pub fn build(self) -> Runtime {
        self.runtime
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime")
            .field("engine", &self.backend.name())
            .field("host_policy", &self.host_policy)
            .field("static_policy", &self.static_policy)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for RuntimeBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RuntimeBuilder")
            .field(&self.runtime)
            .finish()
    }
}

/// Why the first kernel does not run, when none does.
fn none_available<'a>(
    verified: &VerifiedPack,
    kernels: &'a BTreeMap<KernelId, Result<Kernel, PlatformError>>,
) -> Option<&'a PlatformError> {
    if kernels.values().any(Result::is_ok) {
        return None;
    }
    let first = verified.kernels().next()?;
    kernels.get(first.checked().id())?.as_ref().err()
}
