use kpack_schema::{BindError, DataType, Status};

use crate::backend::{BackendError, RunError};
use crate::fault::{Blame, Fault};
use crate::select::PlatformError;

/// Why a vetted kernel did not become a [`CompiledKernel`](crate::CompiledKernel).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// The kernel does not run on this engine.
    #[error(transparent)]
    Platform(#[from] PlatformError),
    /// The engine failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

impl CompileError {
    /// Who has to act.
    #[must_use]
    pub const fn blame(&self) -> Blame {
        match self {
            Self::Platform(_) | Self::Backend(BackendError::Compile { .. }) => Blame::Pack,
            Self::Backend(_) => Blame::Host,
        }
    }

    /// A stable name for programs, in `snake_case`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Platform(error) => error.kind(),
            Self::Backend(error) => error.kind(),
        }
    }
}

/// Why a kernel was not bound or a call gave no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// Shapes or parameters do not fit the kernel, or one is missing.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// A tensor is of another data type than the kernel declares.
    #[error("data type of {tensor} must be {expected}: `{found}`")]
    DataType {
        /// The tensor's name.
        tensor: String,
        /// The data type that the kernel declares.
        expected: DataType,
        /// The data type that was given or asked for.
        found: DataType,
    },
    /// An output that the kernel does not have.
    #[error("unknown output (known are {}): `{name}`", known.join(", "))]
    UnknownOutput {
        /// The name that was asked for.
        name: String,
        /// The kernel's outputs.
        known: Vec<String>,
    },
    /// An output that was given two places.
    #[error("the output was given twice: `{name}`")]
    RepeatedOutput {
        /// The output's name.
        name: String,
    },
    /// The place of an output is not as long as the output.
    #[error("output {output} has {expected} bytes, but its place has: `{found}`")]
    OutputLength {
        /// The output's name.
        output: String,
        /// Bytes of the output.
        expected: u64,
        /// Bytes of the place.
        found: usize,
    },
    /// There is no result to read: no call has ended well since the kernel was bound, or the last
    /// one did not.
    #[error("there is no result to read: `{output}`")]
    NoResult {
        /// The output that was asked for.
        output: String,
    },
    /// The kernel refused what the caller asked for: status 1, 2 or 3.
    #[error("the kernel refused the call: `{}`", status.name())]
    Rejected {
        /// The status that the kernel returned.
        status: Status,
    },
    /// The kernel failed. Only this may lead to a fallback.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The engine or the host failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

impl CallError {
    /// Who has to act.
    #[must_use]
    pub const fn blame(&self) -> Blame {
        match self {
            Self::Bind(_)
            | Self::DataType { .. }
            | Self::UnknownOutput { .. }
            | Self::RepeatedOutput { .. }
            | Self::OutputLength { .. }
            | Self::NoResult { .. }
            | Self::Rejected { .. } => Blame::Caller,
            Self::Fault(_) => Blame::Kernel,
            Self::Backend(_) => Blame::Host,
        }
    }

    /// The kernel's fault, where it was one.
    #[must_use]
    pub const fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Fault(fault) => Some(fault),
            _ => None,
        }
    }

    /// A stable name for programs, in `snake_case`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Bind(error) => error.kind(),
            Self::DataType { .. } => "wrong_dtype",
            Self::UnknownOutput { .. } => "unknown_output",
            Self::RepeatedOutput { .. } => "repeated_output",
            Self::OutputLength { .. } => "invalid_length",
            Self::NoResult { .. } => "no_result",
            Self::Rejected { .. } => "rejected",
            Self::Fault(fault) => fault.kind(),
            Self::Backend(error) => error.kind(),
        }
    }

    /// What a status other than 0 means.
    pub(crate) fn of_status(code: i32) -> Self {
        match Status::from_code(code) {
            Some(
                status @ (Status::InvalidInput | Status::InvalidOutput | Status::InvalidParams),
            ) => Self::Rejected { status },
            _ => Self::Fault(Fault::Status { code }),
        }
    }
}

impl From<RunError> for CallError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Fault(fault) => Self::Fault(fault),
            RunError::Backend(error) => Self::Backend(error),
        }
    }
}
