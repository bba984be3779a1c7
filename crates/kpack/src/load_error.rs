use std::path::PathBuf;

use kpack_exec::{Blame, CompileError, PlatformError, PolicyError};
use kpack_schema::{KernelId, PackName, TimestampError};
use kpack_verify::{VerifiedKernel, VerifyError};

use crate::pack::KernelError;
use crate::pack_dir::ReadPackError;

/// Why a pack was not loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The folder could not be read, or is not one that a pack may be.
    #[error("the pack cannot be read: `{}`", path.display())]
    Read {
        /// The path that was to be loaded.
        path: PathBuf,
        /// What is wrong with it.
        source: ReadPackError,
    },
    /// The host's clock is not at a time that can be compared.
    #[error("the host's clock cannot be used")]
    Clock(#[from] TimestampError),
    /// The pack is not trusted.
    #[error("the pack is not trusted: `{pack}`")]
    Verify {
        /// The path or, where there is none, `in memory`.
        pack: String,
        /// Which check failed.
        source: Box<VerifyError>,
    },
    /// The static policy refuses a module; one is enough to refuse the pack.
    #[error("the pack has a kernel with a forbidden module: `{kernel}`")]
    Policy {
        /// The kernel.
        kernel: KernelId,
        /// The module and the rule that it breaks.
        source: PolicyError,
    },
    /// The pack was judged under another policy than that of the runtime which is to compile it.
    #[error("the pack was verified under another host's policy: `{pack}`")]
    OtherPolicy {
        /// The pack's name.
        pack: PackName,
    },
    /// None of the pack's kernels runs on this engine.
    #[error("no kernel of the pack runs on this engine: `{pack}`")]
    NoKernelFits {
        /// The pack's name.
        pack: PackName,
        /// Why the first kernel does not.
        source: Box<PlatformError>,
    },
    /// The one kernel that was asked for is not in the pack, or does not run on this engine.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// A kernel that passed was not compiled: as a rule, the engine failed.
    #[error("the kernel could not be compiled: `{kernel}`")]
    Compile {
        /// The kernel.
        kernel: KernelId,
        /// What failed.
        source: Box<CompileError>,
    },
}

impl LoadError {
    /// Who has to act.
    #[must_use]
    pub fn blame(&self) -> Blame {
        match self {
            Self::Read { source, .. } => source.blame(),
            Self::Compile { source, .. } => source.blame(),
            Self::Verify { .. } | Self::Policy { .. } | Self::NoKernelFits { .. } => Blame::Pack,
            Self::Kernel(error) => error.blame(),
            Self::Clock(_) | Self::OtherPolicy { .. } => Blame::Host,
        }
    }

    /// A stable name for programs, in `snake_case`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Read { source, .. } => source.kind(),
            Self::Clock(_) => "clock",
            Self::Verify { source, .. } => source.kind(),
            Self::Policy { source, .. } => source.kind(),
            Self::NoKernelFits { source, .. } => source.kind(),
            Self::Kernel(error) => error.kind(),
            Self::OtherPolicy { .. } => "other_policy",
            Self::Compile { source, .. } => source.kind(),
        }
    }

    pub(crate) fn policy(kernel: &VerifiedKernel) -> impl FnOnce(PolicyError) -> Self {
        |source| Self::Policy {
            kernel: kernel.checked().id().clone(),
            source,
        }
    }
}
