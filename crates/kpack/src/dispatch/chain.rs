use std::collections::BTreeMap;
use std::sync::Arc;

use kpack_exec::PlatformError;
use kpack_schema::{CheckedKernel, CheckedManifest, FallbackTarget, KernelId};

use super::breaker::Breaker;
use super::policy::FallbackMode;
use super::report::ServedBy;
use super::stats::Counters;
use crate::kernel::Kernel;
use crate::native::NativeKernel;
use crate::pack::{KernelError, Pack};

/// A kernel and its fallbacks, in the order in which they are tried.
pub(super) struct Chain {
    asked: Arc<CheckedKernel>,
    links: Vec<Link>,
}

/// What may serve a call.
pub(super) struct Link {
    id: FallbackTarget,
    target: Target,
    stand_in: StandIn,
    /// Shared with every other chain that the same kernel is in.
    breaker: Arc<Breaker>,
    counters: Arc<Counters>,
}

/// What a link is on this host and engine.
pub(super) enum Target {
    Kernel {
        kernel: Kernel,
        served_by: Arc<ServedBy>,
    },
    Unavailable(PlatformError),
    Native {
        native: Arc<dyn NativeKernel>,
        served_by: Arc<ServedBy>,
    },
    NotRegistered,
}

/// Whether anything behind a link could serve in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StandIn {
    None,
    Some,
}

/// A kernel and what its fallbacks lead to, in the order in which they are tried.
pub(crate) fn targets(
    manifest: &CheckedManifest,
    asked: &CheckedKernel,
    mode: FallbackMode,
) -> Vec<FallbackTarget> {
    let mut targets = Vec::new();
    let mut next = Some(FallbackTarget::Kernel(asked.id().clone()));
    // The manifest was checked to have no circle.
    while let Some(target) = next {
        next = match (&target, mode) {
            (FallbackTarget::Kernel(id), FallbackMode::Fallback) => {
                manifest.fallback(id.as_str()).cloned()
            }
            _ => None,
        };
        targets.push(target);
    }
    targets
}

/// The chain of every kernel that was compiled of a pack.
pub(super) fn of_pack(pack: &Pack, mode: FallbackMode) -> BTreeMap<KernelId, Arc<Chain>> {
    let mut breakers = BTreeMap::new();
    let kernels = pack.manifest().kernels().iter();
    kernels
        .filter(|asked| pack.compiled(asked.id()).is_some())
        .map(|asked| {
            let chain = Chain::new(pack, asked, mode, &mut breakers);
            (asked.id().clone(), Arc::new(chain))
        })
        .collect()
}

impl Chain {
    fn new(
        pack: &Pack,
        asked: &Arc<CheckedKernel>,
        mode: FallbackMode,
        breakers: &mut BTreeMap<FallbackTarget, Arc<Breaker>>,
    ) -> Self {
        let link = |id: FallbackTarget| Link {
            target: Target::find(pack, &id),
            breaker: Arc::clone(breakers.entry(id.clone()).or_default()),
            stand_in: StandIn::None,
            counters: Arc::default(),
            id,
        };
        let targets = targets(pack.manifest(), asked, mode).into_iter();
        let mut links: Vec<Link> = targets.map(link).collect();
        let mut behind = StandIn::None;
        for link in links.iter_mut().rev() {
            link.stand_in = behind;
            if link.target.is_usable() {
                behind = StandIn::Some;
            }
        }
        Self {
            asked: Arc::clone(asked),
            links,
        }
    }

    pub(super) const fn asked(&self) -> &Arc<CheckedKernel> {
        &self.asked
    }

    pub(super) fn links(&self) -> &[Link] {
        &self.links
    }

    /// That something in the chain can run here.
    pub(super) fn expect_usable(&self) -> Result<(), KernelError> {
        if self.links.iter().any(|link| link.target.is_usable()) {
            return Ok(());
        }
        let reasons = self.links.iter().find_map(|link| match &link.target {
            Target::Unavailable(reason) => Some(reason),
            _ => None,
        });
        Err(KernelError::Unavailable {
            kernel: self.asked.id().clone(),
            source: Box::new(
                reasons
                    .expect("a kernel that cannot run has a reason")
                    .clone(),
            ),
        })
    }
}

impl Link {
    pub(super) const fn id(&self) -> &FallbackTarget {
        &self.id
    }

    pub(super) const fn target(&self) -> &Target {
        &self.target
    }

    /// What a report says of a link that has served.
    #[inline]
    pub(super) fn served_by(&self) -> &Arc<ServedBy> {
        let served_by = self.target.served_by();
        served_by.expect("only what can run has served")
    }

    pub(super) const fn stand_in(&self) -> StandIn {
        self.stand_in
    }

    pub(super) fn breaker(&self) -> &Breaker {
        &self.breaker
    }

    pub(super) const fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }
}

impl Target {
    fn find(pack: &Pack, id: &FallbackTarget) -> Self {
        match id {
            FallbackTarget::Kernel(kernel) => match pack.compiled(kernel) {
                Some(Ok(kernel)) => Self::Kernel {
                    served_by: Arc::new(ServedBy::Kernel {
                        id: kernel.id().clone(),
                        path: kernel.module_path().clone(),
                        ran: kernel.ran(),
                    }),
                    kernel: kernel.clone(),
                },
                Some(Err(reason)) => Self::Unavailable(reason.clone()),
                None => unreachable!("a kernel is compiled with those of its chain"),
            },
            FallbackTarget::Builtin(_) | FallbackTarget::Host(_) => {
                match pack.references().get(id) {
                    Some(native) => Self::Native {
                        native: Arc::clone(native),
                        served_by: Arc::new(ServedBy::Native { id: id.clone() }),
                    },
                    None => Self::NotRegistered,
                }
            }
        }
    }

    /// What a report says of it; `None` where it cannot run.
    #[inline]
    pub(super) const fn served_by(&self) -> Option<&Arc<ServedBy>> {
        match self {
            Self::Kernel { served_by, .. } | Self::Native { served_by, .. } => Some(served_by),
            Self::Unavailable(_) | Self::NotRegistered => None,
        }
    }

    const fn is_usable(&self) -> bool {
        self.served_by().is_some()
    }
}
