//! The walk along a chain: whom a call is handed to, and what a failure leads to.

use kpack_exec::{Blame, CallError, FaultKind};

use super::Dispatch;
use super::breaker::{Admission, Counted, Trial};
use super::chain::{Link, StandIn, Target};
use super::error::{DispatchError, LinkError, LinkFailure, Tried};
use super::policy::OnFailure;

/// A link that served a call.
pub(super) struct Served<T> {
    pub(super) index: usize,
    pub(super) result: T,
}

impl Dispatch {
    /// Tries one link after another until one serves; what is passed over goes to `passed_over`.
    pub(super) fn walk<T>(
        &self,
        passed_over: &mut Vec<LinkFailure>,
        mut attempt: impl FnMut(usize, &Link) -> Tried<T>,
    ) -> Result<Served<T>, DispatchError> {
        for (index, link) in self.chain.links().iter().enumerate() {
            let error = match self.admit(link) {
                Ok(trial) => match attempt(index, link) {
                    Ok(result) => {
                        if let Some(trial) = trial {
                            self.restored(link, trial);
                        }
                        return Ok(Served { index, result });
                    }
                    Err(error) => {
                        self.failed(link, trial, &error);
                        error
                    }
                },
                Err(error) => error,
            };
            link.counters().failed(&error);
            let answer = self.shared.policy.answer(&error);
            passed_over.push(LinkFailure {
                link: link.id().clone(),
                error: *error,
            });
            if answer == OnFailure::Return {
                break;
            }
        }
        let causes = std::mem::take(passed_over);
        Err(DispatchError::new(self.id().clone(), causes))
    }

    /// Whether the link may be tried, and whether that is a trial.
    #[inline]
    fn admit<'a>(&self, link: &'a Link) -> Tried<Option<Trial<'a>>> {
        match link.target() {
            Target::Unavailable(reason) => return Err(Box::new(reason.clone().into())),
            Target::NotRegistered => return Err(Box::new(LinkError::NotRegistered)),
            Target::Kernel { .. } | Target::Native { .. } => {}
        }
        if link.stand_in() == StandIn::None || link.breaker().serves() {
            return Ok(None);
        }
        self.admit_again(link)
    }

    /// Whether a link that was set aside may be tried.
    #[cold]
    fn admit_again<'a>(&self, link: &'a Link) -> Tried<Option<Trial<'a>>> {
        match link.breaker().admit(self.shared.clock.now()) {
            Admission::Serves => Ok(None),
            Admission::Trial(trial) => {
                self.event_of_trial(link);
                Ok(Some(trial))
            }
            Admission::Refused { left, fault } => {
                Err(Box::new(LinkError::SetAside { left, fault }))
            }
        }
    }

    /// The kernel that was tried again serves.
    #[cold]
    fn restored(&self, link: &Link, trial: Trial<'_>) {
        trial.succeeded();
        tracing::info!(
            pack = %self.shared.pack.name(), kernel = %self.id(), link = %link.id(), "restored"
        );
    }

    #[cold]
    fn failed(&self, link: &Link, trial: Option<Trial<'_>>, error: &LinkError) {
        let (pack, kernel, kind) = (self.shared.pack.name(), self.id(), error.kind());
        if error.blame() == Blame::Caller {
            tracing::debug!(%pack, %kernel, link = %link.id(), kind, %error, "refused");
        } else {
            tracing::warn!(%pack, %kernel, link = %link.id(), kind, %error, "failed");
        }
        // A trial that is dropped without a verdict is left to the next call.
        let (Some(fault), Some(rule)) = (self.counted(error), self.shared.policy.rule()) else {
            return;
        };
        if link.stand_in() == StandIn::None {
            return;
        }
        let now = self.shared.clock.now();
        let counted = match trial {
            Some(trial) => {
                trial.failed(rule, now, fault);
                Counted::SetAside
            }
            None => link.breaker().count(rule, now, fault),
        };
        if counted == Counted::SetAside {
            link.counters().set_aside();
            let lasts_ms = u64::try_from(rule.lasts.as_millis()).unwrap_or(u64::MAX);
            tracing::warn!(
                %pack, %kernel, link = %link.id(), kind = %fault, lasts_ms, "set aside"
            );
        }
    }

    /// The fault, where it counts against the kernel: one that its fallback serves for.
    fn counted(&self, error: &LinkError) -> Option<FaultKind> {
        match error {
            LinkError::Call(CallError::Fault(fault))
                if self.shared.policy.answer(error) == OnFailure::FallBack =>
            {
                Some(fault.fault_kind())
            }
            _ => None,
        }
    }

    fn event_of_trial(&self, link: &Link) {
        tracing::info!(
            pack = %self.shared.pack.name(), kernel = %self.id(), link = %link.id(), "on trial"
        );
    }
}
