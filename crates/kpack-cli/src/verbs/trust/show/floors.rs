//! The floors that a state remembers, and what a trust file makes of them.

use kpack::{HostState, ProvenTrust};
use kpack_verify::Floor;
use serde_json::{Value, json};

use crate::report::table;

/// What becomes of a floor by the trust file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// What is older is refused.
    Stands,
    /// It lies below the one that stands, and counts where that is forgotten.
    Below,
    /// Keys that set it are revoked.
    Forgotten,
    /// The trust file decides nothing.
    Unknown,
}

/// Every floor, by pack name and the highest first.
pub(super) struct Floors<'a>(Vec<Shown<'a>>);

struct Shown<'a> {
    pack: &'a str,
    floor: &'a Floor,
    standing: Standing,
}

/// The floors of a state, by a trust file where one is proven.
pub(super) fn shown<'a>(state: &'a HostState, proven: Option<&ProvenTrust>) -> Floors<'a> {
    let floors = state.floors();
    let mut shown: Vec<Shown<'a>> = Vec::new();
    for (pack, floor) in floors.iter() {
        let mut above = shown.iter().filter(|above| above.pack == pack.as_str());
        let lies_below = above.any(|above| above.standing == Standing::Stands);
        let standing = match proven.map(|proven| floors.standing(pack, proven.trust())) {
            None => Standing::Unknown,
            Some(standing) if standing == Some(floor) => Standing::Stands,
            Some(_) if lies_below => Standing::Below,
            Some(_) => Standing::Forgotten,
        };
        shown.push(Shown {
            pack: pack.as_str(),
            floor,
            standing,
        });
    }
    Floors(shown)
}

impl Standing {
    const fn name(self) -> &'static str {
        match self {
            Self::Stands => "stands",
            Self::Below => "below",
            Self::Forgotten => "forgotten",
            Self::Unknown => "unknown",
        }
    }
}

impl Floors<'_> {
    pub(super) fn text(&self) -> String {
        if self.0.is_empty() {
            return "floors     none\n".to_owned();
        }
        let heading = ["FLOOR", "SEQUENCE", "STATUS", "MANIFEST", "SET BY"].map(str::to_owned);
        let rows = self.0.iter().map(Shown::row);
        let rows: Vec<Vec<String>> = [heading.to_vec()].into_iter().chain(rows).collect();
        table(&rows)
    }

    pub(super) fn json(&self) -> Value {
        self.0.iter().map(Shown::json).collect()
    }
}

impl Shown<'_> {
    fn signers(&self) -> Vec<String> {
        let signers = self.floor.signers().iter();
        signers.map(ToString::to_string).collect()
    }

    fn row(&self) -> Vec<String> {
        vec![
            self.pack.to_owned(),
            self.floor.sequence().to_string(),
            self.standing.name().to_owned(),
            self.floor.manifest().to_string(),
            self.signers().join(" "),
        ]
    }

    fn json(&self) -> Value {
        json!({
            "pack": self.pack,
            "sequence": self.floor.sequence().get(),
            "status": self.standing.name(),
            "manifest": self.floor.manifest().to_string(),
            "signers": self.signers(),
        })
    }
}
