use std::io::{IsTerminal, Write, stderr};
use std::time::Instant;

use kpack_differential::Tally;

/// One line on a terminal that says how far a run has come; nothing elsewhere.
pub(crate) struct Progress {
    begin: Instant,
    modules: u64,
    terminal: bool,
}

impl Progress {
    pub(crate) fn new(modules: u64) -> Self {
        Self {
            begin: Instant::now(),
            modules,
            terminal: stderr().is_terminal(),
        }
    }

    pub(crate) fn show(&self, tally: &Tally) {
        if !self.terminal || !tally.modules.is_multiple_of(20) {
            return;
        }
        let seconds = self.begin.elapsed().as_secs().max(1);
        // A terminal that went away is no reason to stop.
        let _ = write!(
            stderr(),
            "\r{} of {} modules, {} a second, {} mismatches, {} host failures ",
            tally.modules,
            self.modules,
            tally.modules / seconds,
            tally.mismatches.len(),
            tally.host_failures.len()
        );
    }

    pub(crate) fn end(&self) {
        if self.terminal {
            let _ = writeln!(stderr());
        }
    }
}
