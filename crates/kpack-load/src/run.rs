use std::fmt;
use std::num::NonZero;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use kpack::{HealthPolicy, Slot};

use crate::callers::Calls;
use crate::killed::{Killed, Killer};
use crate::memory::Resident;
use crate::operator::{Operations, Operator};
use crate::publisher::Publisher;
use crate::release::Release;
use crate::shared::Shared;
use crate::watch::Watch;

/// How much is to be done.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Calls that are served at the least.
    pub calls: u64,
    /// Swaps that they are spread over.
    pub swaps: u64,
    /// Processes that are killed while they write.
    pub kills: u64,
    /// Threads that serve.
    pub threads: NonZero<usize>,
}

/// What was counted.
#[derive(Debug)]
pub struct Report {
    /// Calls that were begun.
    pub begun: u64,
    /// Calls with a result of a release that served then.
    pub served: u64,
    /// Releases that served any.
    pub releases: usize,
    /// How many of the calls a native kernel served, as the release trapped.
    pub by_fallback: u64,
    /// Calls without result.
    pub failed: u64,
    /// Calls with a result of two releases or of two calls.
    pub mixed: u64,
    /// Calls with the result of a release that did not serve at the time.
    pub stale: u64,
    /// The first of those three.
    pub first_wrong: Option<String>,
    /// What was done meanwhile.
    pub operations: Operations,
    /// What became of those that were killed.
    pub killed: Killed,
    /// The most resident memory in each quarter of the run, in bytes, where it can be told.
    pub resident: Option<[u64; 4]>,
    /// How long it took.
    pub time: Duration,
}

/// The pack that serves.
const PACK: &str = "served";

/// Carries a plan out. `program` is one that understands `writer FOLDER NUMBER` and `service FOLDER NUMBER`,
/// as this crate's own does.
///
/// # Errors
///
/// When anything but a call goes wrong: a sound release is refused, a bad one is not, or those that are
/// killed leave what no service starts on. What becomes of calls is for whoever reads the report.
pub fn run(plan: Plan, program: &Path) -> Result<Report> {
    let start = Instant::now();
    let folder = tempfile::tempdir()?;
    let shared = Shared::init(folder.path())?;
    let publisher = Publisher::new(PACK, [0x73; 32]);
    let trust = publisher.trust()?;
    let first = Release::sound(1);
    publisher.publish(first, &shared.place("first"))?;
    // What a busy machine does to the time of a call says nothing about the kernel.
    let health = HealthPolicy {
        slowdown: None,
        ..HealthPolicy::default()
    };
    let slot = Slot::builder(shared.runtime()?)
        .health(health)
        .start(shared.place("first"), &trust)?;
    let watch = Watch::starting_with(first.number);
    let mut resident = Resident::default();
    let threads = u64::try_from(plan.threads.get())?;
    let (operations, killed, calls) = thread::scope(|scope| {
        let callers: Vec<_> = (0..threads)
            .map(|thread| {
                let (slot, watch) = (&slot, &watch);
                scope.spawn(move || Calls::make(slot, watch, thread, threads))
            })
            .collect();
        let killer = scope.spawn(|| kill(plan.kills, program, &shared, &watch));
        let operator = Operator::new(&slot, &watch, &shared, &publisher, &trust, first.number);
        let operations = operator.operate(plan.swaps, plan.calls, &mut resident);
        if operations.is_err() {
            watch.stop();
        }
        let killed = killer.join().expect("a panic ends the run");
        watch.stop();
        let mut calls = Calls::default();
        for caller in callers {
            calls.add(caller.join().expect("a panic ends the run"));
        }
        (operations, killed, calls)
    });
    Ok(Report {
        begun: calls.begun,
        served: calls.served.values().sum(),
        releases: calls.served.len(),
        by_fallback: calls.by_fallback,
        failed: calls.failed,
        mixed: calls.mixed,
        stale: calls.stale,
        first_wrong: calls.first_wrong,
        operations: operations?,
        killed: killed?,
        resident: resident.quarters(),
        time: start.elapsed(),
    })
}

fn kill(kills: u64, program: &Path, shared: &Shared, watch: &Watch) -> Result<Killed> {
    if kills == 0 {
        return Ok(Killed::default());
    }
    let mut killer = Killer::new(program, shared)?;
    while killer.killed().cycles < kills && !watch.has_stopped() {
        killer.cycle()?;
    }
    Ok(killer.killed().clone())
}

impl Report {
    /// Calls that were begun and have neither a result nor an error.
    #[must_use]
    pub const fn lost(&self) -> u64 {
        self.begun - self.served - self.failed - self.mixed - self.stale
    }

    /// What is not as it must be; nothing, when all is well.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let mut complaints: Vec<String> = self.first_wrong.iter().cloned().collect();
        if self.lost() > 0 {
            complaints.push(format!("calls were lost: {}", self.lost()));
        }
        complaints
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Operations {
            swaps,
            rollbacks,
            refused,
        } = &self.operations;
        writeln!(
            f,
            "{} calls served by {} releases, {} of them by the fallback",
            self.served, self.releases, self.by_fallback
        )?;
        writeln!(
            f,
            "{} failed, {} mixed, {} stale, {} lost",
            self.failed,
            self.mixed,
            self.stale,
            self.lost()
        )?;
        writeln!(
            f,
            "{swaps} swaps, {rollbacks} rollbacks, {} refusals:",
            refused.values().sum::<u64>()
        )?;
        for (kind, count) in refused {
            writeln!(f, "  {count:6}  {kind}")?;
        }
        let Killed {
            cycles,
            accepted,
            untold,
            slowest_start,
        } = &self.killed;
        writeln!(
            f,
            "{cycles} writers killed, who had accepted {accepted} releases, and {untold} more without a word of it"
        )?;
        writeln!(
            f,
            "slowest start of a service after a kill: {} ms",
            slowest_start.as_millis()
        )?;
        if let Some(quarters) = self.resident {
            let mib = quarters.map(|bytes| format!("{:.1}", bytes as f64 / f64::from(1 << 20)));
            writeln!(
                f,
                "resident memory, the most in each quarter: {} MiB",
                mib.join(", ")
            )?;
        }
        write!(f, "in {:.0} s", self.time.as_secs_f64())
    }
}
