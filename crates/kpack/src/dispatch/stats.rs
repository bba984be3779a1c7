use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kpack_exec::{Blame, CallError, FaultKind};
use kpack_schema::{FallbackTarget, KernelId};

use super::error::LinkError;
use super::latency::{Histogram, Latency};

/// What a [`Dispatcher`](crate::Dispatcher) has counted since it was made, as it was at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// For each kernel that can be asked for, what the links of its chain did, in order.
    pub kernels: BTreeMap<KernelId, Vec<LinkStats>>,
}

/// What one link of a kernel's chain did, in calls that asked for that kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkStats {
    /// The kernel, or the native kernel.
    pub link: FallbackTarget,
    /// Calls that it served, and how long they took it.
    pub latency: Latency,
    /// Calls that ended in a fault of its own, by the kind; kinds that never came are left out.
    pub faults: BTreeMap<FaultKind, u64>,
    /// Calls that it refused, or for which inputs were missing: errors of the caller's.
    pub caller_errors: u64,
    /// Calls that ended in an error of the engine or the host, native kernels that fail included.
    pub host_errors: u64,
    /// Calls that passed it over because it was set aside.
    pub passed_over: u64,
    /// Calls for which it could not run at all: on this engine, with these parameters, or because
    /// nobody registered it.
    pub cannot_run: u64,
    /// How often a call's fault had it set aside.
    pub set_aside: u64,
}

/// The counters of a link.
#[derive(Debug, Default)]
pub(super) struct Counters {
    /// Of one-shot calls, and of bound ones that are gone.
    shared: Histogram,
    /// Of each bound one that is alive: it alone writes to its own.
    own: Mutex<Vec<Arc<Histogram>>>,
    faults: [AtomicU64; FaultKind::ALL.len()],
    caller_errors: AtomicU64,
    host_errors: AtomicU64,
    passed_over: AtomicU64,
    cannot_run: AtomicU64,
    set_aside: AtomicU64,
}

/// Counts the calls that a link serves for one owner.
#[derive(Debug)]
pub(super) struct OwnLatency {
    counters: Arc<Counters>,
    histogram: Arc<Histogram>,
}

impl LinkStats {
    /// Of a link that has done nothing.
    #[cfg(feature = "metrics")]
    pub(super) fn none(link: FallbackTarget) -> Self {
        Counters::default().snapshot(link)
    }

    /// Calls that it served.
    #[must_use]
    pub fn served(&self) -> u64 {
        self.latency.count()
    }
}

impl Counters {
    /// A one-shot call was served.
    pub(super) fn served(&self, time: Duration) {
        self.shared.add(time);
    }

    /// The link gave no result.
    #[cold]
    pub(super) fn failed(&self, error: &LinkError) {
        let counter = match error {
            LinkError::Call(CallError::Fault(fault)) => &self.faults[index(fault.fault_kind())],
            LinkError::SetAside { .. } => &self.passed_over,
            LinkError::Unavailable(_) | LinkError::NotRegistered | LinkError::Unfit { .. } => {
                &self.cannot_run
            }
            LinkError::Call(_) | LinkError::Native(_) if error.blame() == Blame::Caller => {
                &self.caller_errors
            }
            LinkError::Call(_) | LinkError::Native(_) => &self.host_errors,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// The link was set aside.
    pub(super) fn set_aside(&self) {
        self.set_aside.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn snapshot(&self, link: FallbackTarget) -> LinkStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut latency = Latency::default();
        // Under the lock nobody moves from the ones to the other.
        let own = self.lock();
        self.shared.add_to(&mut latency);
        for histogram in own.iter() {
            histogram.add_to(&mut latency);
        }
        drop(own);
        let faults = FaultKind::ALL.iter().zip(&self.faults);
        let faults = faults.map(|(&kind, count)| (kind, read(count)));
        LinkStats {
            link,
            latency,
            faults: faults.filter(|&(_, count)| count > 0).collect(),
            caller_errors: read(&self.caller_errors),
            host_errors: read(&self.host_errors),
            passed_over: read(&self.passed_over),
            cannot_run: read(&self.cannot_run),
            set_aside: read(&self.set_aside),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Histogram>>> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OwnLatency {
    pub(super) fn of(counters: &Arc<Counters>) -> Self {
        let histogram = Arc::new(Histogram::default());
        counters.lock().push(Arc::clone(&histogram));
        Self {
            counters: Arc::clone(counters),
            histogram,
        }
    }

    /// The owner's call was served.
    #[inline]
    pub(super) fn served(&mut self, time: Duration) {
        self.histogram.add_alone(time);
    }
}

impl Drop for OwnLatency {
    fn drop(&mut self) {
        let mut own = self.counters.lock();
        self.counters.shared.absorb(&self.histogram);
        own.retain(|histogram| !Arc::ptr_eq(histogram, &self.histogram));
    }
}

fn index(kind: FaultKind) -> usize {
    let mut kinds = FaultKind::ALL.iter();
    let found = kinds.position(|&other| other == kind);
    found.expect("the list has every kind")
}
