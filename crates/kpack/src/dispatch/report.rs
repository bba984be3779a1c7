use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use kpack_exec::{Ran, TICK};
use kpack_schema::{FallbackTarget, KernelId, PackPath};

use super::error::LinkFailure;

/// What served a dispatched call, what was passed over for it and why, and the time it took.
#[derive(Debug)]
pub struct DispatchReport {
    pub(super) kernel: KernelId,
    pub(super) served_by: Arc<ServedBy>,
    pub(super) passed_over: Vec<LinkFailure>,
    pub(super) time: Duration,
}

/// What computed the outputs of a dispatched call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServedBy {
    /// A kernel of the pack.
    Kernel {
        /// Its id.
        id: KernelId,
        /// Where the module that ran stands in the pack.
        path: PackPath,
        /// The engine, and which of the kernel's modules ran.
        ran: Ran,
    },
    /// A native kernel of the host.
    Native {
        /// Its id, as the manifest names it.
        id: FallbackTarget,
    },
}

impl DispatchReport {
    /// The kernel that was asked for.
    #[must_use]
    pub const fn kernel(&self) -> &KernelId {
        &self.kernel
    }

    /// What computed the outputs.
    #[must_use]
    pub fn served_by(&self) -> &ServedBy {
        &self.served_by
    }

    /// The links before it, each with why it did not serve; empty where the kernel that was asked for
    /// did.
    #[must_use]
    pub fn passed_over(&self) -> &[LinkFailure] {
        &self.passed_over
    }

    /// Whether another kernel served than the one that was asked for.
    #[must_use]
    pub fn is_fallback(&self) -> bool {
        !self.passed_over.is_empty()
    }

    /// The time that the kernel itself took, without what was passed over. In a one-shot call, making
    /// an instance and copying are part of it; in a bound call they are not.
    #[must_use]
    pub const fn time(&self) -> Duration {
        self.time
    }

    /// The time in ticks of 10 ms, a part of one as a whole.
    #[must_use]
    pub fn ticks(&self) -> u64 {
        let ticks = self.time.as_nanos().div_ceil(TICK.as_nanos());
        u64::try_from(ticks).unwrap_or(u64::MAX)
    }
}

impl fmt::Display for ServedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kernel { id, path, ran } => write!(f, "{id} on {} ({path})", ran.engine),
            Self::Native { id } => write!(f, "native {id}"),
        }
    }
}
