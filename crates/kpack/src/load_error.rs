use std::path::PathBuf;

use kpack_exec::{Blame, CompileError, PlatformError, PolicyError};
use kpack_schema::{KernelId, PackName};
use kpack_verify::{FloorError, Step, VerifiedKernel, VerifyError};

use crate::clock::ClockError;
use crate::pack::KernelError;
use crate::pack_dir::ReadPackError;
use crate::state_dir::StateError;

/// Why a pack was not loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The folder or archive could not be read, or is not one that a pack may be.
    #[error("the pack cannot be read: `{}`", path.display())]
    Read {
        /// The path that was to be loaded.
        path: PathBuf,
        /// What is wrong with it.
        source: ReadPackError,
    },
    /// The host's clock is certainly wrong.
    #[error("the host's clock cannot be used")]
    Clock(#[from] ClockError),
    /// The pack is not trusted.
    #[error("the pack is not trusted: `{pack}`")]
    Verify {
        /// The path or, where there is none, `in memory`.
        pack: String,
        /// Which check failed.
        source: Box<VerifyError>,
    },
    /// The pack is older than one that was accepted before.
    #[error("the pack lies below what was accepted before: `{}`", source.pack())]
    Floor {
        /// Which rule it breaks.
        source: Box<FloorError>,
    },
    /// What was accepted before cannot be known, or what is accepted now not be remembered.
    #[error("the host's state cannot be used")]
    State(#[from] StateError),
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

impl From<FloorError> for LoadError {
    fn from(source: FloorError) -> Self {
        Self::Floor {
            source: Box::new(source),
        }
    }
}

impl LoadError {
    /// Who has to act.
    #[must_use]
    pub fn blame(&self) -> Blame {
        match self {
            Self::Read { source, .. } => source.blame(),
            Self::Compile { source, .. } => source.blame(),
            Self::Verify { source, .. } if source.step() == Step::Trust => Blame::Host,
            Self::Verify { .. }
            | Self::Floor { .. }
            | Self::Policy { .. }
            | Self::NoKernelFits { .. } => Blame::Pack,
            Self::Kernel(error) => error.blame(),
            Self::Clock(_) | Self::State(_) | Self::OtherPolicy { .. } => Blame::Host,
        }
    }

    /// A stable name for programs, in `snake_case`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Read { source, .. } => source.kind(),
            Self::Clock(_) => "clock",
            Self::Verify { source, .. } => source.kind(),
            Self::Floor { source } => source.kind(),
            Self::State(error) => error.kind(),
            Self::Policy { source, .. } => source.kind(),
            Self::NoKernelFits { source, .. } => source.kind(),
            Self::Kernel(error) => error.kind(),
            Self::OtherPolicy { .. } => "other_policy",
            Self::Compile { source, .. } => source.kind(),
        }
    }

    /// The step of judging a pack that was not passed; `None` where no pack was being judged.
    #[must_use]
    pub fn step(&self) -> Option<Step> {
        match self {
            Self::Read { .. } => Some(Step::Read),
            Self::Verify { source, .. } => Some(source.step()),
            Self::Floor { .. } | Self::State(_) => Some(Step::Floor),
            Self::Policy { .. } => Some(Step::Policy),
            Self::Clock(_) => Some(Step::Trust),
            Self::OtherPolicy { .. }
            | Self::NoKernelFits { .. }
            | Self::Kernel(_)
            | Self::Compile { .. } => None,
        }
    }

    pub(crate) fn policy(kernel: &VerifiedKernel) -> impl FnOnce(PolicyError) -> Self {
        |source| Self::Policy {
            kernel: kernel.checked().id().clone(),
            source,
        }
    }
}
