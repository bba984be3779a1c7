use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use kpack_exec::{CallError, FaultKind};

use super::error::LinkError;

/// When a kernel's failure leads to its fallback, and when a kernel is set aside.
///
/// By default every kind of fault leads to the fallback, an error of the host does not, and a kernel
/// that failed three times within a minute is set aside for half a minute.
///
/// ```
/// use kpack::{FallbackPolicy, FaultKind, OnFailure};
///
/// let policy = FallbackPolicy::default().on_fault(FaultKind::Deadline, OnFailure::Return);
/// # assert_ne!(policy, FallbackPolicy::default());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FallbackPolicy {
    mode: FallbackMode,
    faults: BTreeMap<FaultKind, OnFailure>,
    host_errors: OnFailure,
    set_aside: Option<SetAside>,
}

/// Whether there is any fallback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FallbackMode {
    /// A kernel's failure leads to its fallback, as the rest of the policy says.
    Fallback,
    /// The kernel that is asked for runs, or nothing does; none is set aside.
    Strict,
}

/// What a failure leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// The next link of the chain is tried.
    FallBack,
    /// The call ends with the error.
    Return,
}

/// When a kernel is set aside, so that its fallback serves without the kernel being tried first.
///
/// When the time is over, one call tries the kernel again, while all others still go to the fallback: if
/// it gives a result, the kernel serves again, and if it fails, it is set aside anew. What nothing could
/// stand in for is never set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetAside {
    /// After so many faults, of which more than [`MAX_FAULTS`](Self::MAX_FAULTS) are that many,
    pub faults: NonZeroU32,
    /// within this time,
    pub within: Duration,
    /// the kernel is set aside for so long.
    pub lasts: Duration,
}

impl SetAside {
    /// The most faults that are waited for: the time of each is kept until it counts no more.
    pub const MAX_FAULTS: NonZeroU32 = NonZeroU32::new(1_000).unwrap();
}

/// After three faults within a minute, for half a minute.
impl Default for SetAside {
    fn default() -> Self {
        Self {
            faults: NonZeroU32::MIN.saturating_add(2),
            within: Duration::from_secs(60),
            lasts: Duration::from_secs(30),
        }
    }
}

impl Default for FallbackPolicy {
    fn default() -> Self {
        Self {
            mode: FallbackMode::Fallback,
            faults: BTreeMap::new(),
            host_errors: OnFailure::Return,
            set_aside: Some(SetAside::default()),
        }
    }
}

impl FallbackPolicy {
    /// No fallback: the kernel that is asked for runs, or nothing does.
    #[must_use]
    pub fn strict() -> Self {
        Self {
            mode: FallbackMode::Strict,
            ..Self::default()
        }
    }

    /// The same policy with another answer to one kind of fault.
    #[must_use]
    pub fn on_fault(mut self, kind: FaultKind, answer: OnFailure) -> Self {
        self.faults.insert(kind, answer);
        self
    }

    /// The same policy with another answer to errors of the engine or the host, such as a clock of
    /// deadlines that has stopped. They are never counted against the kernel.
    #[must_use]
    pub const fn on_host_error(mut self, answer: OnFailure) -> Self {
        self.host_errors = answer;
        self
    }

    /// The same policy with another rule for setting kernels aside.
    #[must_use]
    pub const fn set_aside(mut self, rule: SetAside) -> Self {
        self.set_aside = Some(rule);
        self
    }

    /// The same policy, under which every call tries the kernel first, however often it has failed.
    #[must_use]
    pub const fn never_set_aside(mut self) -> Self {
        self.set_aside = None;
        self
    }

    /// Whether there is any fallback.
    #[must_use]
    pub const fn mode(&self) -> FallbackMode {
        self.mode
    }

    /// When kernels are set aside, if ever.
    pub(super) fn rule(&self) -> Option<SetAside> {
        match self.mode {
            FallbackMode::Fallback => self.set_aside,
            FallbackMode::Strict => None,
        }
    }

    /// What the failure of a link leads to.
    pub(super) fn answer(&self, error: &LinkError) -> OnFailure {
        if self.mode == FallbackMode::Strict {
            return OnFailure::Return;
        }
        match error {
            LinkError::Call(CallError::Fault(fault)) => {
                let answer = self.faults.get(&fault.fault_kind());
                answer.copied().unwrap_or(OnFailure::FallBack)
            }
            LinkError::Call(CallError::Backend(_)) => self.host_errors,
            LinkError::Call(_) => OnFailure::Return,
            LinkError::Unavailable { .. }
            | LinkError::SetAside { .. }
            | LinkError::NotRegistered
            | LinkError::Unfit { .. } => OnFailure::FallBack,
            // Nothing can follow a native kernel.
            LinkError::Native(_) => OnFailure::Return,
        }
    }
}
