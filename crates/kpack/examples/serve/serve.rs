//! The example itself: a slot, threads that call, an operator, a screen.

use std::error::Error;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use kpack::{HealthPolicy, Runtime, Serving, Slot, Slowdown, Wasmtime, reference_pack};

use crate::author::{Author, Content};
use crate::screen::{Event, FRAME, Outcome, Screen, View};
use crate::story::Operator;
use crate::tally::Tally;
use crate::traffic;

const USAGE: &str = "usage: serve [--seconds N] [--threads N]";

struct Options {
    seconds: u64,
    threads: usize,
}

pub(crate) fn main() -> ExitCode {
    let options = match Options::read(std::env::args().skip(1)) {
        Some(options) => options,
        None => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

impl Options {
    fn read(mut arguments: impl Iterator<Item = String>) -> Option<Self> {
        let mut options = Self {
            seconds: 20,
            threads: 3,
        };
        while let Some(name) = arguments.next() {
            let value = arguments.next()?;
            match name.as_str() {
                "--seconds" => {
                    options.seconds = value.parse().ok().filter(|&seconds| seconds > 0)?
                }
                "--threads" => options.threads = value.parse().ok()?,
                _ => return None,
            }
        }
        Some(options)
    }
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let author = Author::new()?;
    let trust = author.trust()?;
    let runtime = Runtime::builder(Wasmtime::new()?)
        .references(reference_pack::references())
        .build();
    let slot = start(runtime, &author)?;
    let (tally, stop, start) = (Tally::default(), AtomicBool::new(false), Instant::now());
    let lasts = Duration::from_secs(options.seconds);
    let (events, told) = mpsc::channel();
    let operator = Operator {
        slot: &slot,
        author: &author,
        trust: &trust,
        tally: &tally,
        start,
        events,
    };
    operator.name_generation();
    thread::scope(|scope| {
        let serve = || traffic::serve(&slot, &tally, &stop).map_err(|error| error.to_string());
        let callers: Vec<_> = (0..options.threads).map(|_| scope.spawn(serve)).collect();
        let operator =
            scope.spawn(move || operator.operate(lasts).map_err(|error| error.to_string()));
        let shown = show(&slot, &tally, start, lasts, &told);
        stop.store(true, Ordering::Relaxed);
        for caller in callers {
            caller.join().map_err(|_| "a caller panicked")??;
        }
        operator.join().map_err(|_| "the operator panicked")??;
        shown
    })
}

/// A slot with a first release.
fn start(runtime: Runtime, author: &Author) -> Result<Slot, Box<dyn Error>> {
    // A kernel of a debug build's own speed is compared with another's.
    let slowdown = Slowdown::new(20.0, Slowdown::default().floor())?;
    let health = HealthPolicy {
        slowdown: Some(slowdown),
        ..HealthPolicy::default()
    };
    let first = author.publish(1, Content::Reference)?;
    Ok(Slot::builder(runtime)
        .health(health)
        .start(first, &author.trust()?)?)
}

/// Draws what happens, until the time is over.
fn show(
    slot: &Slot,
    tally: &Tally,
    start: Instant,
    lasts: Duration,
    told: &mpsc::Receiver<Event>,
) -> Result<(), Box<dyn Error>> {
    let mut screen = Screen::new();
    let mut fell_back = false;
    loop {
        thread::sleep(FRAME);
        for event in told.try_iter() {
            screen.tell(event)?;
        }
        let serving = slot.current();
        let view = View {
            time: start.elapsed(),
            serving: &name(&serving),
            counts: tally.counts(),
            slowest: tally.take_slowest(),
        };
        if view.counts.by_fallback > 0 && !fell_back {
            fell_back = true;
            screen.tell(Event {
                at: view.time,
                outcome: Outcome::Failing,
                text: format!("{}: traps at times, its fallback serves", view.serving),
                detail: String::new(),
            })?;
        }
        screen.draw(&view)?;
        if view.time >= lasts {
            return Ok(screen.end(&view)?);
        }
    }
}

fn name(serving: &Serving) -> String {
    let manifest = serving.pack().manifest();
    format!("{} {}", manifest.name(), manifest.version())
}
