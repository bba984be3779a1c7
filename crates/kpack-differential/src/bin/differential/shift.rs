use std::num::NonZero;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Mutex;
use std::thread;

use anyhow::{Result, bail};
use kpack_differential::{Tally, Verdict};

use crate::child::{Next, Program};
use crate::message::Message;
use crate::progress::Progress;

/// The cases that one process runs, so that what one case leaves behind does not pile up.
const BATCH: u64 = 500;

/// Every case of a run, shared out among workers.
pub(crate) struct Shift {
    program: Program,
    out: PathBuf,
    left: Mutex<Range<u64>>,
    tally: Mutex<Tally>,
    progress: Progress,
}

impl Shift {
    pub(crate) fn new(program: Program, seeds: Range<u64>, out: PathBuf) -> Result<Self> {
        Ok(Self {
            program,
            out: std::path::absolute(out)?,
            progress: Progress::new(seeds.end - seeds.start),
            left: Mutex::new(seeds),
            tally: Mutex::default(),
        })
    }

    /// Runs all of it, on so many processes at a time.
    pub(crate) fn run(self, jobs: NonZero<usize>) -> Result<Tally> {
        thread::scope(|scope| {
            let jobs: Vec<_> = (0..jobs.get())
                .map(|_| scope.spawn(|| self.batches()))
                .collect();
            for job in jobs {
                job.join().expect("a job does not panic")?;
            }
            Ok::<_, anyhow::Error>(())
        })?;
        self.progress.end();
        Ok(self.tally.into_inner().expect("no job panicked"))
    }

    fn batches(&self) -> Result<()> {
        loop {
            let mut seeds = self.batch();
            if seeds.is_empty() {
                return Ok(());
            }
            while !seeds.is_empty() {
                seeds = self.work(seeds)?;
            }
        }
    }

    fn batch(&self) -> Range<u64> {
        let mut left = self.left.lock().expect("no job panics");
        let end = left.end.min(left.start + BATCH);
        let batch = left.start..end;
        left.start = end;
        batch
    }

    /// Has one process run cases until they are done or it dies; gives those that are left.
    fn work(&self, seeds: Range<u64>) -> Result<Range<u64>> {
        let mut worker = self.program.work(&seeds, &self.out)?;
        let (mut current, mut next) = (None, seeds.start);
        let what = loop {
            match worker.next()? {
                Next::Said(Message::Begin(seed)) => current = Some(seed),
                Next::Said(Message::End(seed, verdict)) => {
                    next = seed + 1;
                    self.add(seed, verdict);
                }
                Next::Ended(status) if status.success() && next == seeds.end => {
                    return Ok(next..next);
                }
                Next::Ended(status) => break format!("the process died: {status}"),
                Next::Hung => break "the process hung".to_owned(),
            }
        };
        // The case that began last did it, also where it came as far as a verdict.
        let Some(seed) = current else {
            bail!("a worker could not start");
        };
        self.program.write(seed, &what, &self.out)?;
        if seed < next {
            let mut tally = self.tally.lock().expect("no job panics");
            tally.host_failures.insert(seed, what);
        } else {
            self.add(seed, Verdict::HostFailure(what));
        }
        Ok(seed + 1..seeds.end)
    }

    fn add(&self, seed: u64, verdict: Verdict) {
        let mut tally = self.tally.lock().expect("no job panics");
        tally.add(seed, verdict);
        self.progress.show(&tally);
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::time::Duration;

    use super::*;

    fn tally(script: &str, patience: Duration) -> Result<Tally> {
        let program = Program::script(script, patience);
        Shift::new(program, 0..5, "unused".into())?.run(NonZero::<usize>::MIN)
    }

    #[test]
    fn a_case_that_ends_its_process_is_named_and_the_others_still_run() {
        let script = r#"
            [ "$0" = work ] || exit 0
            for seed in $(seq "$1" 4); do
                echo "{\"Begin\":$seed}"
                [ "$seed" = 2 ] && kill -9 $$
                echo "{\"End\":[$seed,{\"agreed\":[\"result\"]}]}"
            done"#;
        let tally = tally(script, Duration::from_secs(60)).unwrap();
        assert_eq!(tally.modules, 5);
        assert_eq!(tally.results.modules, 4);
        let seeds: Vec<_> = tally.host_failures.keys().collect();
        assert_eq!(seeds, [&2]);
        assert!(tally.host_failures[&2].contains("died"), "{tally:?}");
    }

    #[test]
    fn a_case_that_hangs_is_named_and_the_others_still_run() {
        let script = r#"
            [ "$0" = work ] || exit 0
            for seed in $(seq "$1" 4); do
                echo "{\"Begin\":$seed}"
                [ "$seed" = 3 ] && exec sleep 600
                echo "{\"End\":[$seed,{\"refused\":\"import\"}]}"
            done"#;
        let tally = tally(script, Duration::from_secs(1)).unwrap();
        assert_eq!(tally.modules, 5);
        assert_eq!(tally.refused["import"], 4);
        assert!(tally.host_failures[&3].contains("hung"), "{tally:?}");
    }

    #[test]
    fn workers_that_cannot_start_end_the_run() {
        let error = tally("exit 1", Duration::from_secs(60)).unwrap_err();
        assert!(error.to_string().contains("could not start"), "{error}");
    }
}
