//! Which kernels are set aside, as a circuit breaker: closed while a kernel serves, open while it is set
//! aside, half-open while one call tries it again.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kpack_exec::FaultKind;

use super::policy::SetAside;

/// A kernel's breaker. While the kernel serves, to ask it costs one load.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    /// [`SERVES`] or [`AWAY`]; changed only under the lock of `state`.
    hint: AtomicU8,
    state: Mutex<State>,
}

const SERVES: u8 = 0;
const AWAY: u8 = 1;

#[derive(Debug)]
enum State {
    /// With the times of the faults that still count, oldest first.
    Closed(VecDeque<Duration>),
    Open {
        until: Duration,
        fault: FaultKind,
    },
    /// One call is trying the kernel.
    HalfOpen {
        fault: FaultKind,
    },
}

impl Default for State {
    fn default() -> Self {
        Self::Closed(VecDeque::new())
    }
}

/// Whether a call may try a kernel.
#[derive(Debug)]
pub(super) enum Admission<'a> {
    /// It serves.
    Serves,
    /// It was set aside, and this call alone tries it again.
    Trial(Trial<'a>),
    /// It is set aside.
    Refused { left: Duration, fault: FaultKind },
}

/// Whether a fault has had a kernel set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    Only,
    SetAside,
}

impl Breaker {
    /// Whether the kernel serves, without a lock or a look at the clock.
    pub(super) fn serves(&self) -> bool {
        self.hint.load(Ordering::Relaxed) == SERVES
    }

    pub(super) fn admit(&self, now: Duration) -> Admission<'_> {
        let mut state = self.lock();
        match *state {
            State::Closed(_) => Admission::Serves,
            State::Open { until, fault } if now < until => Admission::Refused {
                left: until.saturating_sub(now),
                fault,
            },
            State::Open { fault, .. } => {
                *state = State::HalfOpen { fault };
                Admission::Trial(Trial {
                    breaker: self,
                    began: now,
                    fault,
                })
            }
            State::HalfOpen { fault } => Admission::Refused {
                left: Duration::ZERO,
                fault,
            },
        }
    }

    /// A call that was no trial ended in a fault. Where the kernel was set aside meanwhile, it tells
    /// nothing new.
    pub(super) fn count(&self, rule: SetAside, now: Duration, fault: FaultKind) -> Counted {
        let mut state = self.lock();
        let State::Closed(faults) = &mut *state else {
            return Counted::Only;
        };
        faults.retain(|&at| now.saturating_sub(at) < rule.within);
        faults.push_back(now);
        if u32::try_from(faults.len()).is_ok_and(|count| count < rule.faults.get()) {
            return Counted::Only;
        }
        self.open(&mut state, now.saturating_add(rule.lasts), fault);
        Counted::SetAside
    }

    fn open(&self, state: &mut State, until: Duration, fault: FaultKind) {
        *state = State::Open { until, fault };
        self.hint.store(AWAY, Ordering::Relaxed);
    }

    /// Every change is whole before the lock is given back, so that a panic leaves nothing torn.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The one call that tries a kernel which was set aside. Dropped without a verdict, it leaves the trial
/// to the next call.
#[derive(Debug)]
pub(super) struct Trial<'a> {
    breaker: &'a Breaker,
    began: Duration,
    fault: FaultKind,
}

impl Trial<'_> {
    /// The kernel gave a result, and serves again.
    pub(super) fn succeeded(self) {
        let breaker = self.breaker;
        std::mem::forget(self);
        *breaker.lock() = State::default();
        breaker.hint.store(SERVES, Ordering::Relaxed);
    }

    /// The kernel failed again, and is set aside anew.
    pub(super) fn failed(self, rule: SetAside, now: Duration, fault: FaultKind) {
        let breaker = self.breaker;
        std::mem::forget(self);
        breaker.open(&mut breaker.lock(), now.saturating_add(rule.lasts), fault);
    }
}

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        let (began, fault) = (self.began, self.fault);
        self.breaker.open(&mut self.breaker.lock(), began, fault);
    }
}
