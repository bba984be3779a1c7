//! What an operator does in a few seconds, which in life takes weeks.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use kpack::{Slot, Trust};

use crate::author::{Author, Content, damage};
use crate::screen::{Event, Outcome};
use crate::tally::Tally;

/// What happens, and after which share of the time.
const STORY: &[(f64, Act)] = &[
    (0.10, Act::Offer(Content::Reference)),
    (0.20, Act::OfferDamaged),
    (0.30, Act::Offer(Content::WrongNumbers)),
    (0.38, Act::OfferAgain),
    (0.46, Act::Offer(Content::Slow)),
    (0.56, Act::Offer(Content::FailsAtTimes)),
    (0.74, Act::RollBack),
    (0.86, Act::Offer(Content::Reference)),
];

#[derive(Debug, Clone, Copy)]
enum Act {
    /// A release that is what its author made it.
    Offer(Content),
    /// A good release that was damaged on the way.
    OfferDamaged,
    /// The last release once more.
    OfferAgain,
    RollBack,
}

/// The operator, with an author to deliver releases.
pub(crate) struct Operator<'a> {
    pub(crate) slot: &'a Slot,
    pub(crate) author: &'a Author,
    pub(crate) trust: &'a Trust,
    pub(crate) tally: &'a Tally,
    pub(crate) start: Instant,
    pub(crate) events: Sender<Event>,
}

impl Operator<'_> {
    /// Plays the story.
    pub(crate) fn operate(&self, lasts: Duration) -> Result<(), Box<dyn Error>> {
        let mut sequence = 1;
        let mut last = PathBuf::new();
        for &(share, act) in STORY {
            let at = lasts.mul_f64(share);
            std::thread::sleep(at.saturating_sub(self.start.elapsed()));
            match act {
                Act::Offer(content) => {
                    sequence += 1;
                    last = self.author.publish(sequence, content)?;
                    self.stage(&last, &format!("1.0.{sequence}, {}", content.name()))?;
                }
                Act::OfferDamaged => {
                    sequence += 1;
                    last = self.author.publish(sequence, Content::Reference)?;
                    damage(&last)?;
                    self.stage(&last, &format!("1.0.{sequence}, damaged on the way"))?;
                }
                Act::OfferAgain => self.stage(&last, &format!("1.0.{sequence}, again"))?,
                Act::RollBack => self.roll_back()?,
            }
        }
        Ok(())
    }

    fn stage(&self, pack: &Path, name: &str) -> Result<(), Box<dyn Error>> {
        let start = Instant::now();
        let staged = self.slot.stage(pack, self.trust);
        let took = start.elapsed().as_millis();
        let (outcome, text, detail) = match staged {
            Ok(_) => {
                let text = format!("{name}: serves after {took} ms");
                (Outcome::Swapped, text, String::new())
            }
            Err(error) => {
                let text = format!("{name}: {}", error.kind());
                (Outcome::Refused, text, format!(": {}", cause(&error)))
            }
        };
        self.tell(outcome, text, detail)
    }

    fn roll_back(&self) -> Result<(), Box<dyn Error>> {
        let start = Instant::now();
        self.slot.rollback()?;
        let took = start.elapsed().as_micros();
        let serving = self.slot.current();
        let version = serving.pack().manifest().version();
        let text = format!("to {version} in {took} µs");
        self.tell(Outcome::RolledBack, text, String::new())
    }

    /// Tells what happened, and which release serves now.
    fn tell(&self, outcome: Outcome, text: String, detail: String) -> Result<(), Box<dyn Error>> {
        self.name_generation();
        Ok(self.events.send(Event {
            at: self.start.elapsed(),
            outcome,
            text,
            detail,
        })?)
    }

    /// Nobody else swaps, so that what serves now is what was swapped in last.
    pub(crate) fn name_generation(&self) {
        let serving = self.slot.current();
        let sequence = serving.pack().manifest().sequence();
        self.tally.is_release(serving.generation(), sequence);
    }
}

/// What an error comes down to.
fn cause(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => cause(source),
        None => error.to_string(),
    }
}
