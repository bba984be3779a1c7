use std::fmt;

use kpack_exec::{
    BackendError, BoundKernel, Call, CallError, Caller, CallerOptions, CompiledKernel, Ran,
    Selection,
};
use kpack_schema::{
    Digest, FeatureSet, KernelId, KernelInfo, Limits, PackName, PackPath, ParamValue, Signature,
};
use kpack_verify::VerifiedVector;

/// A kernel of a loaded pack: verified, compiled, ready to be called. Cheap to clone, shared between
/// threads; it stays usable when its [`Pack`](crate::Pack) is dropped.
#[derive(Clone)]
pub struct Kernel {
    compiled: CompiledKernel,
}

impl Kernel {
    pub(crate) const fn new(compiled: CompiledKernel) -> Self {
        Self { compiled }
    }

    /// Starts a one-shot call, on an instance of its own.
    #[must_use]
    pub fn call(&self) -> Call<'_> {
        self.compiled.call()
    }

    /// A caller with instances of its own, for many calls from slices into slices of the host's.
    ///
    /// # Errors
    ///
    /// [`BackendError::Threads`] when the threads that the options ask for cannot be started.
    pub fn caller(&self, options: CallerOptions) -> Result<Caller, BackendError> {
        self.compiled.caller(options)
    }

    /// Binds every dimension that an input names and every parameter, for many calls. Parameters
    /// that are left out take their defaults.
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
        self.compiled.bind(dims, params)
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
        self.compiled.bind_shapes(shapes, params)
    }

    /// The id, unique in the pack.
    #[must_use]
    pub fn id(&self) -> &KernelId {
        self.compiled.checked().id()
    }

    /// The name of the pack that the kernel came in.
    #[must_use]
    pub fn pack(&self) -> &PackName {
        self.compiled.pack()
    }

    /// The kernel as the manifest describes it.
    #[must_use]
    pub fn info(&self) -> &KernelInfo {
        self.compiled.checked().info()
    }

    /// What the kernel takes and gives.
    #[must_use]
    pub fn signature(&self) -> &Signature {
        self.compiled.signature()
    }

    /// The limits that bind every call.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.compiled.checked().limits()
    }

    /// The inputs with expected outputs that the pack ships.
    #[must_use]
    pub fn vectors(&self) -> &[VerifiedVector] {
        self.compiled.verified().vectors()
    }

    /// The name of the engine that runs the kernel.
    #[must_use]
    pub fn engine(&self) -> &str {
        self.compiled.engine()
    }

    /// Which of the kernel's modules runs.
    #[must_use]
    pub fn selection(&self) -> Selection {
        self.compiled.selection()
    }

    /// Where the module that runs stands in the pack.
    #[must_use]
    pub fn module_path(&self) -> &PackPath {
        self.compiled.module_path()
    }

    /// The digest of the module that runs.
    #[must_use]
    pub fn module_digest(&self) -> Digest {
        self.compiled.module_digest()
    }

    /// What runs in a call.
    #[must_use]
    pub fn ran(&self) -> Ran {
        self.compiled.ran()
    }

    /// The features that are on in the module that runs.
    #[must_use]
    pub fn features(&self) -> FeatureSet {
        self.compiled.features()
    }
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kernel")
            .field("pack", self.pack())
            .field("id", self.id())
            .field("engine", &self.engine())
            .field("module", &self.module_digest())
            .finish_non_exhaustive()
    }
}
