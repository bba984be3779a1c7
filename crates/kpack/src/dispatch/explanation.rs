use std::sync::Arc;
use std::time::Duration;

use kpack_exec::{FaultKind, PlatformError};
use kpack_schema::{FallbackTarget, KernelId};

use super::breaker::Standing;
use super::chain::{Chain, Link, StandIn, Target};
use super::report::ServedBy;

/// What a call of a kernel would run, as it was at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// The kernel that would be asked for.
    pub kernel: KernelId,
    /// The engine.
    pub engine: String,
    /// The kernel and its fallbacks, in the order in which they are tried.
    pub links: Vec<ExplainedLink>,
}

/// A link of a chain, and whether it would run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExplainedLink {
    /// The kernel, or the native kernel.
    pub link: FallbackTarget,
    /// Which of its modules it is here; `None` where it cannot run.
    pub runs_as: Option<Arc<ServedBy>>,
    /// Whether it would run.
    pub verdict: Verdict,
}

/// Whether a link of a chain would run, and why not.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It would serve the next call.
    Serves,
    /// It was set aside, and the next call would try it again.
    TriedAgain {
        /// The last fault that it was set aside for.
        fault: FaultKind,
    },
    /// It would be tried if those before it fail.
    StandsBy,
    /// It failed too often of late, and is not tried for now.
    SetAside {
        /// How long it is set aside from now on; zero while another call tries it.
        left: Duration,
        /// The last fault that it was set aside for.
        fault: FaultKind,
    },
    /// It does not run on this engine.
    Unavailable(PlatformError),
    /// The host has registered no native kernel of this id.
    NotRegistered,
}

impl Explanation {
    pub(super) fn new(chain: &Chain, engine: &str, now: Duration) -> Self {
        let mut before = StandIn::None;
        let links = chain.links().iter().map(|link| {
            let explained = ExplainedLink::new(link, before, now);
            if let Verdict::Serves = explained.verdict {
                before = StandIn::Some;
            }
            explained
        });
        Self {
            links: links.collect(),
            kernel: chain.asked().id().clone(),
            engine: engine.to_owned(),
        }
    }

    /// The link that the next call would try first; `None` where nothing of the chain can run.
    #[must_use]
    pub fn first(&self) -> Option<&ExplainedLink> {
        let mut links = self.links.iter();
        links.find(|link| matches!(link.verdict, Verdict::Serves | Verdict::TriedAgain { .. }))
    }
}

impl ExplainedLink {
    fn new(link: &Link, before: StandIn, now: Duration) -> Self {
        let standing = match link.stand_in() {
            StandIn::None => Standing::Serves,
            StandIn::Some => link.breaker().standing(now),
        };
        let verdict = match (link.target(), standing, before) {
            (Target::Unavailable(reason), ..) => Verdict::Unavailable(reason.clone()),
            (Target::NotRegistered, ..) => Verdict::NotRegistered,
            (_, Standing::SetAside { left, fault }, _) => Verdict::SetAside { left, fault },
            (_, _, StandIn::Some) => Verdict::StandsBy,
            (_, Standing::Serves, StandIn::None) => Verdict::Serves,
            (_, Standing::TriedAgain { fault }, StandIn::None) => Verdict::TriedAgain { fault },
        };
        Self {
            link: link.id().clone(),
            runs_as: link.target().served_by().cloned(),
            verdict,
        }
    }
}

impl Verdict {
    /// A stable name for programs, in `snake_case`; for what cannot run the kind of the error.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Serves => "serves",
            Self::TriedAgain { .. } => "tried_again",
            Self::StandsBy => "stands_by",
            Self::SetAside { .. } => "set_aside",
            Self::Unavailable(reason) => reason.kind(),
            Self::NotRegistered => "not_registered",
        }
    }
}
