use std::error::Error;
use std::fmt;
use std::time::Duration;

use kpack_exec::{Blame, CallError, FaultKind, PlatformError};
use kpack_schema::{BindError, FallbackTarget, KernelId};

use crate::native::NativeError;

/// Why a dispatched call gave no result: what each link of the chain that was tried ended in.
#[derive(Debug)]
pub struct DispatchError {
    kernel: KernelId,
    /// At least one, in the order of the chain.
    causes: Vec<LinkFailure>,
}

/// A link of a chain that gave no result, and why.
#[derive(Debug, thiserror::Error)]
#[error("{link}: {error}")]
#[non_exhaustive]
pub struct LinkFailure {
    /// The kernel, or the native kernel.
    pub link: FallbackTarget,
    /// Why it gave no result.
    #[source]
    pub error: LinkError,
}

/// Why a link of a chain gave no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// It was called, or could not be bound to the call.
    #[error(transparent)]
    Call(#[from] CallError),
    /// It does not run on this engine.
    #[error(transparent)]
    Unavailable(#[from] PlatformError),
    /// It failed too often of late, and is not tried for now.
    #[error("the kernel is set aside, milliseconds left: `{}`", left.as_millis())]
    SetAside {
        /// How long it is set aside from now on; zero while another call tries it.
        left: Duration,
        /// The last fault that it was set aside for.
        fault: FaultKind,
    },
    /// The host has registered no native kernel of this id.
    #[error("the host has registered no native kernel of this id")]
    NotRegistered,
    /// The parameters, which fit the kernel that was asked for, do not fit this one.
    #[error("the fallback does not take what the kernel takes")]
    Unfit {
        /// What does not fit.
        source: BindError,
    },
    /// It is a native kernel, and gave no result.
    #[error(transparent)]
    Native(#[from] NativeError),
}

/// What a link that is tried ends in. An error of a call is as large as ten numbers, and would be moved
/// about with every result.
pub(super) type Tried<T> = Result<T, Box<LinkError>>;

impl From<CallError> for Box<LinkError> {
    #[cold]
    fn from(error: CallError) -> Self {
        Self::new(error.into())
    }
}

impl From<NativeError> for Box<LinkError> {
    #[cold]
    fn from(error: NativeError) -> Self {
        Self::new(error.into())
    }
}

impl LinkError {
    /// Of the link with this index: what fits the kernel that was asked for and not one behind it is not
    /// the caller's fault.
    pub(super) fn of_binding(index: usize, error: CallError) -> Self {
        match error {
            CallError::Bind(source) if index > 0 => Self::Unfit { source },
            error => Self::Call(error),
        }
    }

    /// Who has to act.
    #[must_use]
    pub const fn blame(&self) -> Blame {
        match self {
            Self::Call(error) => error.blame(),
            Self::Unavailable(_) | Self::Unfit { .. } => Blame::Pack,
            Self::SetAside { .. } => Blame::Kernel,
            Self::NotRegistered => Blame::Host,
            Self::Native(error) => error.blame(),
        }
    }

    /// A stable name for programs, in `snake_case`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Call(error) => error.kind(),
            Self::Unavailable(error) => error.kind(),
            Self::SetAside { .. } => "set_aside",
            Self::NotRegistered => "not_registered",
            Self::Unfit { .. } => "unfit_fallback",
            Self::Native(error) => error.kind(),
        }
    }
}

impl DispatchError {
    /// Of at least one link.
    pub(super) const fn new(kernel: KernelId, causes: Vec<LinkFailure>) -> Self {
        Self { kernel, causes }
    }

    /// The kernel that was asked for.
    #[must_use]
    pub const fn kernel(&self) -> &KernelId {
        &self.kernel
    }

    /// What every link that was tried or passed over ended in, in the order of the chain.
    #[must_use]
    pub fn causes(&self) -> &[LinkFailure] {
        &self.causes
    }

    /// What the first link ended in.
    #[must_use]
    pub fn first(&self) -> &LinkError {
        let first = self.causes.first();
        &first.expect("a call without result was tried").error
    }

    /// Who has to act on the first cause.
    #[must_use]
    pub fn blame(&self) -> Blame {
        self.first().blame()
    }

    /// A stable name for programs, in `snake_case`: that of the first cause.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.first().kind()
    }
}

impl fmt::Display for DispatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.causes.len() {
            1 => write!(f, "the kernel gave no result: `{}`", self.kernel),
            count => write!(
                f,
                "neither the kernel nor its fallbacks gave a result, {count} tried: `{}`",
                self.kernel
            ),
        }
    }
}

impl Error for DispatchError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.first())
    }
}
