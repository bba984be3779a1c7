use std::fmt;
use std::time::Duration;

use kpack_exec::{Blame, CallError};
use kpack_schema::{KernelId, PackName};

use super::back_off::Refusal;
use crate::dispatch::DispatchError;
use crate::health::HealthError;
use crate::load_error::LoadError;
use crate::pack::KernelError;

/// What is done with a pack before it serves, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum StageStep {
    /// Its bytes are read.
    Read,
    /// They are held against trust, floors and policies.
    Verify,
    /// Its kernels are compiled.
    Compile,
    /// Its kernels are held against what the host requires and has bound.
    Interface,
    /// Its vectors are run.
    Health,
    /// The host's canary tries it.
    Canary,
    /// It is accepted, and swapped in.
    Swap,
}

/// Why a pack that was staged does not serve. What served before serves on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StageError {
    /// It was refused before, and is not judged again for now.
    #[error("the pack was refused before ({}), and is not judged {}: `{}`", refusal.reason,
        ForNow(refusal.left), refusal.pack)]
    RefusedBefore {
        /// For what, and for how long.
        refusal: Refusal,
    },
    /// It could not be read, verified, compiled or accepted.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// It is a pack of another name. A slot serves releases of one pack: keys may be trusted for one
    /// name and not for another.
    #[error("the slot serves the pack {serving}; this one is: `{found}`")]
    OtherPack {
        /// The name of the pack that serves.
        serving: PackName,
        /// The name of the pack that was staged.
        found: PackName,
    },
    /// The host's calls would not find what they call.
    #[error("the pack cannot take the serving one's place")]
    Interface(#[from] InterfaceError),
    /// What its kernels do is not right here.
    #[error("the pack failed its health check")]
    Health(#[from] HealthError),
    /// Something panicked while the pack was staged.
    #[error("staging the pack panicked")]
    Panicked(#[from] StagingPanic),
}

/// A panic in a compiler, in a canary, or in kpack, while a pack was staged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("in step {}: {message}", step.name())]
pub struct StagingPanic {
    /// What was being done.
    pub step: StageStep,
    /// What the panic says.
    pub message: String,
}

/// Why the host's calls would not find in a pack what they call.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InterfaceError {
    /// A kernel that the host requires or has bound is not in the pack, or does not run here.
    #[error("the host needs the kernel: `{kernel}`")]
    Missing {
        /// The kernel.
        kernel: KernelId,
        /// Why there is none.
        source: KernelError,
    },
    /// A kernel that the host requires or has bound has other inputs, outputs or parameters.
    #[error("the kernel takes or gives something else than in the serving pack: `{kernel}`")]
    Changed {
        /// The kernel.
        kernel: KernelId,
    },
    /// A kernel cannot be bound to the shapes and parameters that the host has bound it to.
    #[error("the kernel does not take what the host has bound it to: `{kernel}`")]
    Unbound {
        /// The kernel.
        kernel: KernelId,
        /// Why not.
        source: Box<CallError>,
    },
}

/// Why nothing was rolled back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RollbackError {
    /// No pack was swapped out since the slot was started or last rolled back.
    #[error("there is nothing to roll back to: no pack served before this one")]
    NothingBefore,
}

/// Why a kernel of a slot was not bound, or a call of one gave no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SlotCallError {
    /// The pack that serves has no such kernel. Of a kernel that is bound, only a rollback leads to this.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// The kernel has other inputs, outputs or parameters in the pack that serves since a rollback.
    #[error("the kernel takes or gives something else since the pack was rolled back: `{kernel}`")]
    Changed {
        /// The kernel.
        kernel: KernelId,
    },
    /// The kernel and all its fallbacks failed, or the caller asked for what it does not take.
    #[error(transparent)]
    Dispatch(#[from] DispatchError),
}

impl StageStep {
    /// The step, for programs and people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Verify => "verify",
            Self::Compile => "compile",
            Self::Interface => "interface",
            Self::Health => "health",
            Self::Canary => "canary",
            Self::Swap => "swap",
        }
    }
}

impl StageError {
    /// Who has to act.
    #[must_use]
    pub fn blame(&self) -> Blame {
        match self {
            Self::RefusedBefore { .. }
            | Self::OtherPack { .. }
            | Self::Interface(_)
            | Self::Panicked(_) => Blame::Pack,
            Self::Load(error) => error.blame(),
            Self::Health(error) => error.blame(),
        }
    }

    /// A stable name for programs, in `snake_case`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::RefusedBefore { .. } => "refused_before",
            Self::Load(error) => error.kind(),
            Self::OtherPack { .. } => "other_pack",
            Self::Interface(error) => error.kind(),
            Self::Health(error) => error.kind(),
            Self::Panicked(_) => "staging_panicked",
        }
    }
}

impl InterfaceError {
    /// A stable name for programs, in `snake_case`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "kernel_missing",
            Self::Changed { .. } => "kernel_changed",
            Self::Unbound { .. } => "kernel_unbound",
        }
    }
}

impl RollbackError {
    /// A stable name for programs, in `snake_case`.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        "nothing_before"
    }
}

impl SlotCallError {
    /// A stable name for programs, in `snake_case`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Kernel(error) => error.kind(),
            Self::Changed { .. } => "kernel_changed",
            Self::Dispatch(error) => error.kind(),
        }
    }
}

/// How long a refusal stands.
struct ForNow(Option<Duration>);

impl fmt::Display for ForNow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(left) => write!(f, "for {} s", left.as_secs_f32().ceil()),
            None => f.write_str("until it is forgiven"),
        }
    }
}
