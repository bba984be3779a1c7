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

/// What a breaker would say to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Serves,
    TriedAgain { fault: FaultKind },
    SetAside { left: Duration, fault: FaultKind },
}

/// Whether a fault has had a kernel set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    Only,
    SetAside,
}

impl Breaker {
    /// Whether the kernel serves, without a lock or a look at the clock.
    #[inline]
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
        // Whatever the rule, what is kept has an end.
        let enough = rule.faults.min(SetAside::MAX_FAULTS);
        if u32::try_from(faults.len()).is_ok_and(|count| count < enough.get()) {
            return Counted::Only;
        }
        self.open(&mut state, now.saturating_add(rule.lasts), fault);
        Counted::SetAside
    }

    /// What [`admit`](Self::admit) would say, without starting a trial.
    pub(super) fn standing(&self, now: Duration) -> Standing {
        match *self.lock() {
            State::Closed(_) => Standing::Serves,
            State::Open { until, fault } if now < until => Standing::SetAside {
                left: until.saturating_sub(now),
                fault,
            },
            State::Open { fault, .. } => Standing::TriedAgain { fault },
            State::HalfOpen { fault } => Standing::SetAside {
                left: Duration::ZERO,
                fault,
            },
        }
    }

    fn open(&self, state: &mut State, until: Duration, fault: FaultKind) {
        *state = State::Open { until, fault };
        self.hint.store(AWAY, Ordering::Relaxed);
    }

    /// Like [`open`](Self::open) under the lock, hint and all: a fault that is counted between the two would
    /// leave a kernel that is set aside and yet called.
    fn close(&self, state: &mut State) {
        *state = State::default();
        self.hint.store(SERVES, Ordering::Relaxed);
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
        breaker.close(&mut breaker.lock());
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

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use proptest::prelude::*;

    use super::*;

    /// What can happen to a breaker.
    #[derive(Debug, Clone, Copy)]
    enum Step {
        /// Milliseconds pass.
        Pass(u64),
        /// A call is let through or not; if it is a trial, it is held.
        Admit,
        /// A call that was let through before, as none of a trial, fails by now.
        Fault,
        /// The trial ends, if there is one.
        Works,
        Fails,
        GivesUp,
    }

    /// The same in the plainest words: every fault is kept, and nothing is ever forgotten.
    #[derive(Default)]
    struct Model {
        now: u64,
        faults: Vec<u64>,
        away: Option<u64>,
    }

    const RULE: SetAside = SetAside {
        faults: NonZeroU32::new(3).unwrap(),
        within: Duration::from_millis(100),
        lasts: Duration::from_millis(50),
    };

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => (0_u64..60).prop_map(Step::Pass),
            4 => Just(Step::Admit),
            4 => Just(Step::Fault),
            1 => Just(Step::Works),
            1 => Just(Step::Fails),
            1 => Just(Step::GivesUp),
        ]
    }

    proptest! {
        #[test]
        fn a_breaker_does_as_its_description(steps in prop::collection::vec(step(), 0..200)) {
            let breaker = Breaker::default();
            let mut model = Model::default();
            let mut trial: Option<Trial<'_>> = None;
            let at = Duration::from_millis;
            for step in steps {
                let now = at(model.now);
                match step {
                    Step::Pass(millis) => model.now += millis,
                    Step::Admit => match breaker.admit(now) {
                        Admission::Serves => prop_assert_eq!(model.away, None),
                        Admission::Trial(admitted) => {
                            prop_assert!(trial.is_none(), "two trials at once");
                            prop_assert!(model.away.is_some_and(|until| until <= model.now));
                            trial = Some(admitted);
                        }
                        Admission::Refused { left, fault } => {
                            let until = at(model.away.unwrap());
                            let due = until <= now;
                            prop_assert!(!due || trial.is_some(), "refused without a reason");
                            let expected = if trial.is_some() { Duration::ZERO } else { until - now };
                            prop_assert_eq!((left, fault), (expected, FaultKind::Unreachable));
                        }
                    },
                    Step::Fault => {
                        let counted = breaker.count(RULE, now, FaultKind::Unreachable);
                        if model.away.is_none() {
                            model.faults.push(model.now);
                            let recent = model.faults.iter().filter(|&&at| model.now - at < 100);
                            if recent.count() >= 3 {
                                model.away = Some(model.now + 50);
                            }
                        }
                        let opened = model.away == Some(model.now + 50) && counted == Counted::SetAside;
                        prop_assert_eq!(counted == Counted::SetAside, opened);
                    }
                    Step::Works => if let Some(trial) = trial.take() {
                        trial.succeeded();
                        model = Model { now: model.now, ..Model::default() };
                    },
                    Step::Fails => if let Some(trial) = trial.take() {
                        trial.failed(RULE, now, FaultKind::Unreachable);
                        model.away = Some(model.now + 50);
                    },
                    Step::GivesUp => drop(trial.take()),
                }
                prop_assert_eq!(breaker.serves(), model.away.is_none());
            }
        }
    }

    #[test]
    fn however_many_faults_the_rule_waits_for_there_is_an_end() {
        let patient = SetAside {
            faults: NonZeroU32::MAX,
            within: Duration::MAX,
            ..RULE
        };
        let breaker = Breaker::default();
        let count = || breaker.count(patient, Duration::ZERO, FaultKind::Deadline);
        for _ in 1..SetAside::MAX_FAULTS.get() {
            assert_eq!(count(), Counted::Only);
        }
        assert_eq!(count(), Counted::SetAside);
        // And nothing is kept while it is away.
        assert_eq!(count(), Counted::Only);
        assert!(matches!(*breaker.lock(), State::Open { .. }));
    }

    #[test]
    fn of_many_threads_one_gets_the_trial() {
        let breaker = Breaker::default();
        for _ in 0..RULE.faults.get() {
            breaker.count(RULE, Duration::ZERO, FaultKind::Deadline);
        }
        for round in 1..200 {
            let now = RULE.lasts * round;
            let start = std::sync::Barrier::new(4);
            let admitted: Vec<Admission<'_>> = std::thread::scope(|scope| {
                let admit = || {
                    start.wait();
                    breaker.admit(now)
                };
                let threads: Vec<_> = (0..4).map(|_| scope.spawn(admit)).collect();
                threads
                    .into_iter()
                    .map(|thread| thread.join().unwrap())
                    .collect()
            });
            let mut trials = Vec::new();
            for admission in admitted {
                match admission {
                    Admission::Trial(trial) => trials.push(trial),
                    Admission::Refused { left, .. } => assert_eq!(left, Duration::ZERO),
                    Admission::Serves => panic!("it is set aside"),
                }
            }
            assert_eq!(trials.len(), 1);
            trials.pop().unwrap().failed(RULE, now, FaultKind::Deadline);
        }
    }

    /// Where the two differ under the lock, a fault that is counted there leaves a kernel that is set aside
    /// and yet called.
    #[test]
    fn whoever_has_the_lock_finds_the_hint_in_agreement() {
        use std::sync::atomic::AtomicBool;
        let rule = SetAside {
            faults: NonZeroU32::MIN,
            ..RULE
        };
        let (breaker, over) = (Breaker::default(), AtomicBool::new(false));
        let differed = std::thread::scope(|scope| {
            let watcher = scope.spawn(|| {
                let mut differed = 0;
                while !over.load(Ordering::Relaxed) {
                    let state = breaker.lock();
                    let closed = matches!(*state, State::Closed(_));
                    differed += u32::from(closed != breaker.serves());
                }
                differed
            });
            for _ in 0..500_000 {
                breaker.count(rule, Duration::ZERO, FaultKind::Deadline);
                if let Admission::Trial(trial) = breaker.admit(rule.lasts) {
                    trial.succeeded();
                }
            }
            over.store(true, Ordering::Relaxed);
            watcher.join().unwrap()
        });
        assert_eq!(differed, 0);
    }
}
