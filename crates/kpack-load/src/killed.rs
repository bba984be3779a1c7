//! Processes that are killed while they write to the compile cache and to the state.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use kpack::{Runtime, Tensor};

use crate::publisher::Publisher;
use crate::release::{KERNEL, LEN, Release, input, release_of};
use crate::shared::Shared;

/// The pack of the processes that are killed: it is in the state and in the cache beside that which
/// serves.
const PACK: &str = "killed";

/// Everybody knows this key; it is trusted in the folder of a run alone.
const SEED: [u8; 32] = [0x6b; 32];

/// A writer: publishes one release after another from this number on, loads each, which compiles it,
/// stores its code and raises its floor, and prints its number. It ends when it is killed.
///
/// # Errors
///
/// When a release cannot be published or is not taken.
pub fn write_until_killed(shared: &Shared, mut number: u32) -> Result<()> {
    let publisher = Publisher::new(PACK, SEED);
    let (trust, runtime) = (publisher.trust()?, shared.runtime()?);
    loop {
        let folder = place(shared, number);
        // A writer that was killed may have left a part of it.
        _ = std::fs::remove_dir_all(&folder);
        publisher.publish(Release::sound(number), &folder)?;
        runtime.load(&folder, &trust)?;
        println!("{number}");
        std::io::stdout().flush()?;
        number = number.checked_add(1).context("no number is left")?;
    }
}

/// A service that starts: loads a release and serves a call of it.
///
/// # Errors
///
/// When the release is not taken, or its result is not its own.
pub fn serve_once(shared: &Shared, number: u32) -> Result<()> {
    let runtime = shared.runtime()?;
    load_and_call(&runtime, &place(shared, number), number)
}

fn load_and_call(runtime: &Runtime, folder: &Path, number: u32) -> Result<()> {
    let trust = Publisher::new(PACK, SEED).trust()?;
    let pack = runtime.load(folder, &trust)?;
    let x: Vec<i32> = (0..LEN).map(|at| input(1, at)).collect();
    let x = Tensor::new(&[LEN], x)?;
    let outputs = pack.kernel(KERNEL)?.call().input("x", &x)?.run()?;
    let output = |name| {
        outputs
            .get(name)
            .context("an output is missing")?
            .as_slice::<i32>()
            .map_err(anyhow::Error::from)
    };
    let found = release_of(1, output("marks")?, output("y")?).map_err(anyhow::Error::msg)?;
    ensure!(found == number, "release {found} served for {number}");
    Ok(())
}

fn place(shared: &Shared, number: u32) -> std::path::PathBuf {
    shared.place(&format!("{PACK}-{number}"))
}

/// What became of processes that were killed.
#[derive(Debug, Default, Clone)]
pub struct Killed {
    /// How many.
    pub cycles: u64,
    /// Releases whose acceptance they had told of.
    pub accepted: u64,
    /// How often the last one that was begun was remembered, and not told of any more.
    pub untold: u64,
    /// How long it took the slowest service from its start to its first result.
    pub slowest_start: Duration,
}

/// Starts writers and services as processes of their own, of this program.
pub struct Killer<'a> {
    program: &'a Path,
    shared: &'a Shared,
    /// How long a writer lives that is given the most time.
    longest: Duration,
    last: u32,
    killed: Killed,
}

impl<'a> Killer<'a> {
    /// `program` is one that understands `writer FOLDER NUMBER` and `service FOLDER NUMBER`.
    ///
    /// # Errors
    ///
    /// When a writer cannot be run.
    pub fn new(program: &'a Path, shared: &'a Shared) -> Result<Self> {
        let mut killer = Self {
            program,
            shared,
            longest: Duration::ZERO,
            last: 0,
            killed: Killed::default(),
        };
        killer.longest = killer.time_of_four()?;
        Ok(killer)
    }

    /// Kills one more writer, and starts a service on what it left. The times at which writers die are
    /// spread evenly over their lives.
    ///
    /// # Errors
    ///
    /// When the state or the cache was left in any other way than whole: the last release that the
    /// writer told of, or the next one, is the floor, and is loaded and right.
    pub fn cycle(&mut self) -> Result<()> {
        let life = share(self.longest, self.killed.cycles);
        let told = self.writer_that_lives(life)?;
        let floor = self.shared.floor(PACK)?;
        let next = told + 1;
        match floor {
            floor if floor == u64::from(told) => {}
            floor if floor == u64::from(next) => self.killed.untold += 1,
            floor => bail!("the floor is {floor} after a writer had told of {told}"),
        }
        self.killed.accepted += u64::from(told - self.last);
        self.last = u32::try_from(floor)?;
        self.killed.cycles += 1;
        if self.last > 0 {
            self.start_service()?;
        }
        self.tidy(told)
    }

    /// What was counted.
    #[must_use]
    pub const fn killed(&self) -> &Killed {
        &self.killed
    }

    /// The last number that a writer tells of before it is killed.
    fn writer_that_lives(&self, life: Duration) -> Result<u32> {
        let start = Instant::now();
        let mut child = self.child("writer", self.last + 1)?;
        let output = BufReader::new(child.stdout.take().context("no output")?);
        std::thread::sleep(life.saturating_sub(start.elapsed()));
        child.kill()?;
        let status = child.wait()?;
        ensure!(
            status.code().is_none(),
            "a writer ended by itself: {status}"
        );
        // It may be killed in the middle of a number, which then has no end of the line.
        let mut told = self.last;
        for line in whole_lines(output)? {
            let number = line.trim().parse()?;
            ensure!(number == told + 1, "{number} was told of after {told}");
            told = number;
        }
        Ok(told)
    }

    fn start_service(&mut self) -> Result<()> {
        let start = Instant::now();
        let status = ended(self.child("service", self.last)?)?;
        ensure!(status.success(), "the service did not start: {status}");
        self.killed.slowest_start = self.killed.slowest_start.max(start.elapsed());
        Ok(())
    }

    /// How long a writer takes for four releases.
    fn time_of_four(&mut self) -> Result<Duration> {
        let start = Instant::now();
        let mut child = self.child("writer", 1)?;
        let output = BufReader::new(child.stdout.take().context("no output")?);
        let fourth = output.lines().nth(3);
        let time = start.elapsed();
        child.kill()?;
        child.wait()?;
        ensure!(fourth.transpose()?.is_some(), "a writer ended by itself");
        self.last = u32::try_from(self.shared.floor(PACK)?)?;
        Ok(time)
    }

    fn child(&self, role: &str, number: u32) -> Result<Child> {
        let mut command = Command::new(self.program);
        command.arg(role).arg(self.shared.folder());
        command.arg(number.to_string()).stdout(Stdio::piped());
        command.spawn().context("cannot start a process")
    }

    /// Packs that are no longer loaded.
    fn tidy(&self, told: u32) -> Result<()> {
        for entry in std::fs::read_dir(self.shared.folder())? {
            let entry = entry?;
            let name = entry.file_name().into_string().unwrap_or_default();
            let number = name
                .strip_prefix("killed-")
                .and_then(|rest| rest.parse::<u32>().ok());
            if number.is_some_and(|number| number < told) {
                std::fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }
}

/// A service that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

fn ended(mut child: Child) -> Result<ExitStatus> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if start.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            bail!("a service hangs");
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A part of a time: multiples of the golden ratio fall evenly into it, however many there are.
fn share(of: Duration, cycle: u64) -> Duration {
    let part = cycle.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    let nanos = (of.as_nanos() * u128::from(part)) >> 32;
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// The lines that have an end.
fn whole_lines(mut output: impl BufRead) -> Result<Vec<String>> {
    let mut text = String::new();
    output.read_to_string(&mut text)?;
    let end = text.rfind('\n').map_or(0, |at| at + 1);
    Ok(text[..end].lines().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_a_time_fall_into_every_tenth_of_it() {
        let mut tenths = [0; 10];
        for cycle in 0..100 {
            let share = share(Duration::from_secs(10), cycle);
            tenths[usize::try_from(share.as_secs()).unwrap()] += 1;
        }
        assert!(
            tenths.iter().all(|count| (9..=11).contains(count)),
            "{tenths:?}"
        );
    }

    #[test]
    fn a_number_that_was_cut_off_does_not_count() {
        assert_eq!(whole_lines(&b"1\n2\n1"[..]).unwrap(), ["1", "2"]);
        assert!(whole_lines(&b"1"[..]).unwrap().is_empty());
    }
}
