use std::collections::BTreeMap;
use std::time::Duration;

use kpack::{CallError, DispatchInputs, Slot, SlotKernel};

use crate::release::{KERNEL, LEN, input, release_of};
use crate::watch::Watch;

/// What one thread that calls has counted.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    pub(crate) begun: u64,
    /// By the release that served them.
    pub(crate) served: BTreeMap<u32, u64>,
    pub(crate) by_fallback: u64,
    pub(crate) failed: u64,
    pub(crate) mixed: u64,
    /// Of releases that were replaced before the call began, or never served.
    pub(crate) stale: u64,
    /// The first of what went wrong.
    pub(crate) first_wrong: Option<String>,
}

/// Who calls ahead of the operator waits so long between two calls.
const PAUSE: Duration = Duration::from_micros(300);

impl Calls {
    /// Calls whatever the slot holds until the watch is over. `thread` is the number of this one of
    /// `threads`: no two make a call of the same number.
    pub(crate) fn make(slot: &Slot, watch: &Watch, thread: u64, threads: u64) -> Self {
        let mut calls = Self::default();
        let mut kernel = match slot.bind(KERNEL, &[("n", LEN)], &[]) {
            Ok(kernel) => kernel,
            Err(error) => {
                calls.fail(&error);
                watch.stop();
                return calls;
            }
        };
        while !watch.has_stopped() {
            calls.make_one(&mut kernel, watch, thread + calls.begun * threads);
            if calls.first_wrong.is_some() {
                // It is known by now what the run is to find out.
                watch.stop();
            }
            if watch.served() >= watch.wanted() {
                std::thread::sleep(PAUSE);
            }
        }
        calls
    }

    fn make_one(&mut self, kernel: &mut SlotKernel, watch: &Watch, number: u64) {
        self.begun += 1;
        let since = watch.since();
        match kernel.run(|inputs| fill(inputs, number)) {
            Ok(report) => self.by_fallback += u64::from(report.is_fallback()),
            Err(error) => return self.fail(&error),
        }
        let output = |name| kernel.output::<i32>(name);
        let found = match (output("marks"), output("y")) {
            (Ok(marks), Ok(y)) => release_of(number, marks, y),
            (Err(error), _) | (_, Err(error)) => return self.fail(&error),
        };
        match found {
            Ok(release) if watch.may_be_of(release, since) => {
                *self.served.entry(release).or_default() += 1;
                watch.count();
            }
            Ok(release) => {
                self.stale += 1;
                self.wrong(format!("release {release} served when it did not any more"));
            }
            Err(mixed) => {
                self.mixed += 1;
                self.wrong(format!("a mixed result: {mixed}"));
            }
        }
    }

    fn fail(&mut self, error: &dyn std::error::Error) {
        self.failed += 1;
        let mut text = format!("a failed call: {error}");
        let mut source = error.source();
        while let Some(error) = source {
            text += &format!(": {error}");
            source = error.source();
        }
        self.wrong(text);
    }

    fn wrong(&mut self, text: String) {
        self.first_wrong.get_or_insert(text);
    }

    /// Adds what another thread has counted.
    pub(crate) fn add(&mut self, other: Self) {
        self.begun += other.begun;
        for (release, calls) in other.served {
            *self.served.entry(release).or_default() += calls;
        }
        self.by_fallback += other.by_fallback;
        self.failed += other.failed;
        self.mixed += other.mixed;
        self.stale += other.stale;
        if self.first_wrong.is_none() {
            self.first_wrong = other.first_wrong;
        }
    }
}

fn fill(inputs: &mut DispatchInputs<'_>, number: u64) -> Result<(), CallError> {
    for (at, x) in inputs.slice_mut::<i32>("x")?.iter_mut().enumerate() {
        *x = input(number, at);
    }
    Ok(())
}
