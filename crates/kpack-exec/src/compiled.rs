use std::fmt;
use std::sync::Arc;

use kpack_schema::{CheckedKernel, Digest, FeatureSet, PackName, PackPath, ParamValue, Signature};
use kpack_verify::VerifiedKernel;
use semver::Version;

use crate::backend::{Backend, BackendError, Instance, Program, RunError};
use crate::bound::BoundKernel;
use crate::call::{Call, Ran};
use crate::caller::{Caller, CallerOptions};
use crate::error::{CallError, CompileError};
use crate::policy::{VettedKernel, VettedModule};
use crate::select::{EngineInfo, Selection, select};

/// A kernel that an engine has compiled; immutable, shared between threads, cheap to clone.
///
/// ```
/// use kpack_exec::{Backend, CompiledKernel, StaticPolicy};
/// # use kpack_exec::Tensor;
/// # use kpack_verify::VerifiedKernel;
///
/// # fn example(engine: &dyn Backend, verified: &VerifiedKernel, x: &Tensor, w: &Tensor)
/// #     -> Result<(), Box<dyn std::error::Error>> {
/// let vetted = StaticPolicy::default().vet(verified)?;
/// let norm = CompiledKernel::compile(engine, &vetted)?;
///
/// // Once, into tensors of its own:
/// let outputs = norm.call().input("x", x)?.input("weight", w)?.param("eps", 1e-5)?.run()?;
/// let y = outputs.get("y");
///
/// // Many times, in slices of the kernel's own memory:
/// let mut norm = norm.bind(&[("rows", 1), ("hidden", 4096)], &[("eps", 1e-5.into())])?;
/// norm.input_mut::<f32>("weight")?.copy_from_slice(w.as_slice()?);
/// norm.input_mut::<f32>("x")?.copy_from_slice(x.as_slice()?);
/// norm.run()?;
/// let y: &[f32] = norm.output("y")?;
/// # Ok(()) }
/// ```
///
/// Only a kernel that was verified and vetted can be compiled; bytes are neither:
///
/// ```compile_fail,E0308
/// use kpack_exec::{Backend, CompiledKernel};
///
/// # fn example(engine: &dyn Backend) {
/// let bytes = b"\0asm\x01\0\0\0".to_vec();
/// CompiledKernel::compile(engine, &bytes);
/// # }
/// ```
///
/// ```compile_fail,E0308
/// use kpack_exec::StaticPolicy;
///
/// let bytes = b"\0asm\x01\0\0\0".to_vec();
/// StaticPolicy::default().vet(&bytes);
/// ```
#[derive(Clone)]
pub struct CompiledKernel {
    inner: Arc<Inner>,
}

struct Inner {
    vetted: VettedKernel,
    engine: EngineInfo,
    selection: Selection,
    module: VettedModule,
    program: Arc<dyn Program>,
}

impl CompiledKernel {
    /// Chooses the kernel's module for the engine and compiles it.
    ///
    /// # Errors
    ///
    /// When the kernel does not run on this engine, or the engine fails.
    pub fn compile(backend: &dyn Backend, kernel: &VettedKernel) -> Result<Self, CompileError> {
        let engine = EngineInfo::of(backend);
        let verified = kernel.verified();
        let checked = verified.checked();
        let span = tracing::info_span!(
            "compile", pack = %verified.pack(), kernel = %checked.id(), engine = %engine.name
        );
        let _entered = span.entered();
        let selection = select(checked, &engine)?;
        let module = kernel.selected(selection);
        let program = backend.compile(module)?;
        Ok(Self {
            inner: Arc::new(Inner {
                module: module.clone(),
                vetted: kernel.clone(),
                engine,
                selection,
                program,
            }),
        })
    }

    /// Starts a one-shot call, on an instance of its own.
    #[must_use]
    pub fn call(&self) -> Call<'_> {
        Call::new(self)
    }

    /// A caller with instances of its own, for many calls on tensors of the host's.
    ///
    /// # Errors
    ///
    /// [`BackendError::Threads`] when the threads that the options ask for cannot be started.
    pub fn caller(&self, options: CallerOptions) -> Result<Caller, BackendError> {
        Caller::new(self.clone(), options)
    }

    /// Binds every dimension that an input names and every parameter, for many calls.
    ///
    /// Parameters that are left out take their defaults.
    ///
    /// # Errors
    ///
    /// [`CallError::Bind`] when dimensions or parameters do not fit;
    /// [`Fault::MemoryLimit`](crate::Fault::MemoryLimit) when the tensors do not fit the kernel's
    /// memory limit.
    pub fn bind(
        &self,
        dims: &[(&str, usize)],
        params: &[(&str, ParamValue)],
    ) -> Result<BoundKernel, CallError> {
        BoundKernel::new(self.clone(), self.signature().bind_dims(dims, params)?)
    }

    /// Binds the shape of every input, by name, and every parameter, for many calls.
    ///
    /// # Errors
    ///
    /// As [`bind`](Self::bind).
    pub fn bind_shapes(
        &self,
        shapes: &[(&str, &[usize])],
        params: &[(&str, ParamValue)],
    ) -> Result<BoundKernel, CallError> {
        BoundKernel::new(self.clone(), self.signature().bind_shapes(shapes, params)?)
    }

    /// The name of the kernel's pack.
    #[must_use]
    pub fn pack(&self) -> &PackName {
        self.verified().pack()
    }

    /// The kernel as it was verified, with its vectors.
    #[must_use]
    pub fn verified(&self) -> &VerifiedKernel {
        self.inner.vetted.verified()
    }

    /// What the manifest says of the kernel.
    #[must_use]
    pub fn checked(&self) -> &Arc<CheckedKernel> {
        self.verified().checked()
    }

    /// What the kernel takes and gives.
    #[must_use]
    pub fn signature(&self) -> &Signature {
        self.checked().signature()
    }

    /// The name of the engine that compiled the kernel.
    #[must_use]
    pub fn engine(&self) -> &str {
        &self.inner.engine.name
    }

    /// The version of that engine.
    #[must_use]
    pub fn engine_version(&self) -> &Version {
        &self.inner.engine.version
    }

    /// Which of the kernel's modules runs.
    #[must_use]
    pub fn selection(&self) -> Selection {
        self.inner.selection
    }

    /// The digest of the module that runs.
    #[must_use]
    pub fn module_digest(&self) -> Digest {
        self.inner.module.digest()
    }

    /// Where the module that runs stands in the pack.
    #[must_use]
    pub fn module_path(&self) -> &PackPath {
        self.inner.module.path()
    }

    /// The features that are on in the module that runs.
    #[must_use]
    pub fn features(&self) -> FeatureSet {
        self.inner.module.features()
    }

    /// What runs in a call.
    #[must_use]
    pub fn ran(&self) -> Ran {
        Ran::of(self)
    }

    /// The function that a call calls.
    #[must_use]
    pub fn entry_point(&self) -> &str {
        self.inner.module.entry_point()
    }

    pub(crate) fn module(&self) -> &VettedModule {
        &self.inner.module
    }

    /// A new instance for this kernel.
    pub(crate) fn instantiate(&self) -> Result<Box<dyn Instance>, RunError> {
        self.inner.program.instantiate(&self.inner.module)
    }
}

impl fmt::Debug for CompiledKernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompiledKernel")
            .field("pack", self.pack())
            .field("kernel", self.checked().id())
            .field("engine", &self.inner.engine.name)
            .field("module", &self.inner.module.digest())
            .finish_non_exhaustive()
    }
}
