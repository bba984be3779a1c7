//! What is seen: a few lines that are drawn anew, or one line after another where there is no terminal.

use std::collections::VecDeque;
use std::env;
use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use crate::tally::Counts;

/// How often it is drawn.
pub(crate) const FRAME: Duration = Duration::from_millis(200);

const FRAMES_PER_SECOND: u32 = 5;

/// Nothing is wider: what is cut off by a narrow terminal would not be drawn over.
const WIDTH: usize = 78;

/// With everything else, they fit into 24 lines.
const SHOWN_EVENTS: usize = 10;

/// Something that the operator did, and what came of it.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) at: Duration,
    pub(crate) outcome: Outcome,
    pub(crate) text: String,
    /// What there is no room for where it is drawn.
    pub(crate) detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Outcome {
    Swapped,
    Refused,
    RolledBack,
    Failing,
}

/// What is shown at one moment.
pub(crate) struct View<'a> {
    pub(crate) time: Duration,
    pub(crate) serving: &'a str,
    pub(crate) counts: Counts,
    pub(crate) slowest: Duration,
}

/// Where it is shown.
pub(crate) struct Screen {
    style: Style,
    events: Vec<Event>,
    /// Calls in each of the last frames.
    rates: VecDeque<u64>,
    calls: u64,
    /// Lines that the next frame is drawn over.
    drawn: usize,
    frames: u32,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Style {
    /// One line after another.
    Plain,
    /// Drawn over and over.
    Drawn(Colour),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Colour {
    On,
    Off,
}

impl Screen {
    pub(crate) fn new() -> Self {
        let dumb = env::var_os("TERM").is_none_or(|term| term == "dumb");
        let style = match (io::stdout().is_terminal() && !dumb, env::var_os("NO_COLOR")) {
            (false, _) => Style::Plain,
            (true, None) => Style::Drawn(Colour::On),
            (true, Some(_)) => Style::Drawn(Colour::Off),
        };
        Self {
            style,
            events: Vec::new(),
            rates: VecDeque::new(),
            calls: 0,
            drawn: 0,
            frames: 0,
        }
    }

    /// Shows something that happened.
    pub(crate) fn tell(&mut self, event: Event) -> io::Result<()> {
        if self.style == Style::Plain {
            writeln!(io::stdout(), "{event}{}", event.detail)?;
        }
        self.events.push(event);
        Ok(())
    }

    /// Shows the present state; to be called once a [`FRAME`].
    pub(crate) fn draw(&mut self, view: &View<'_>) -> io::Result<()> {
        let calls = view.counts.calls;
        self.rates.push_back(calls - self.calls);
        self.calls = calls;
        if self.rates.len() > WIDTH - 24 {
            self.rates.pop_front();
        }
        self.frames += 1;
        match self.style {
            Style::Plain if self.frames.is_multiple_of(FRAMES_PER_SECOND) => {
                writeln!(io::stdout(), "{}", self.line(view))
            }
            Style::Plain => Ok(()),
            Style::Drawn(colour) => self.redraw(view, colour),
        }
    }

    /// The last word, below everything.
    pub(crate) fn end(&self, view: &View<'_>) -> io::Result<()> {
        let Counts { failed, wrong, .. } = &view.counts;
        writeln!(
            io::stdout(),
            "\n{} calls in {:.0} s, {failed} failed, {wrong} wrong",
            grouped(view.counts.calls),
            view.time.as_secs_f64(),
        )
    }

    /// Calls in the last second.
    fn rate(&self) -> u64 {
        let second = usize::try_from(FRAMES_PER_SECOND).unwrap_or(usize::MAX);
        self.rates.iter().rev().take(second).sum()
    }

    fn line(&self, view: &View<'_>) -> String {
        let Counts {
            by_fallback,
            failed,
            wrong,
            ..
        } = &view.counts;
        format!(
            "{:6.1} s  {} serves, {} calls/s, {by_fallback} by fallback, {failed} failed, {wrong} wrong",
            view.time.as_secs_f64(),
            view.serving,
            grouped(self.rate()),
        )
    }

    fn redraw(&mut self, view: &View<'_>, colour: Colour) -> io::Result<()> {
        let paint = |code: u8, text: &str| match colour {
            Colour::On => format!("\x1b[{code}m{text}\x1b[0m"),
            Colour::Off => text.to_owned(),
        };
        let counts = &view.counts;
        let mut lines = vec![
            paint(
                1,
                &format!("{:6.1} s  {} serves", view.time.as_secs_f64(), view.serving),
            ),
            String::new(),
            format!(
                "calls/s   {:>10}  {}",
                grouped(self.rate()),
                paint(36, &self.spark())
            ),
            format!(
                "calls     {:>10}  slowest of late {:.2} ms",
                grouped(counts.calls),
                view.slowest.as_secs_f64() * 1e3
            ),
            format!(
                "faults    {:>10}  by fallback; {} failed, {} wrong",
                grouped(counts.by_fallback),
                counts.failed,
                counts.wrong
            ),
            String::new(),
        ];
        lines.extend(shares(counts));
        lines.push(String::new());
        let first = self.events.len().saturating_sub(SHOWN_EVENTS);
        lines.extend(self.events[first..].iter().map(|event| {
            let code = match event.outcome {
                Outcome::Swapped => 32,
                Outcome::Refused => 31,
                Outcome::RolledBack => 33,
                Outcome::Failing => 35,
            };
            paint(code, &cut(&event.to_string()))
        }));
        let mut frame = String::new();
        if self.drawn > 0 {
            frame = format!("\x1b[{}A", self.drawn);
        }
        for line in &lines {
            frame += line;
            frame += "\x1b[K\n";
        }
        self.drawn = lines.len();
        // In one piece, so that no half of a frame is seen.
        let mut stdout = io::stdout().lock();
        stdout.write_all(frame.as_bytes())?;
        stdout.flush()
    }

    /// The calls of each frame as a bar.
    fn spark(&self) -> String {
        const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
        let most = self.rates.iter().copied().max().unwrap_or(0).max(1);
        let bar = |&rate: &u64| BARS[usize::try_from((rate * 8).div_ceil(most)).unwrap_or(8)];
        self.rates.iter().map(bar).collect()
    }
}

/// How many of all calls each release has served, as bars.
fn shares(counts: &Counts) -> impl Iterator<Item = String> {
    let all = counts.calls.max(1);
    counts.by_release.iter().map(move |(sequence, &calls)| {
        let bar = "█".repeat(usize::try_from((calls * 40).div_ceil(all)).unwrap_or(40));
        format!("1.0.{sequence:<5} {:>10}  {bar}", grouped(calls))
    })
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = match self.outcome {
            Outcome::Swapped => "swapped",
            Outcome::Refused => "refused",
            Outcome::RolledBack => "rolled back",
            Outcome::Failing => "failing",
        };
        write!(
            f,
            "{:6.1} s  {outcome:11}  {}",
            self.at.as_secs_f64(),
            self.text
        )
    }
}

/// The number with its digits in threes.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn cut(line: &str) -> String {
    if line.chars().count() <= WIDTH {
        return line.to_owned();
    }
    let start: String = line.chars().take(WIDTH - 1).collect();
    start + "…"
}
