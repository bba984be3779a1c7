//! How far a pack came when it was judged: what `kpack verify --explain` adds.

use kpack::Step;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::report::{Report, table};

/// The field under which the steps stand in an answer and in an error.
pub(crate) const FIELD: &str = "steps";

/// How far a pack came.
pub(crate) struct Explanation {
    /// The stage that was not passed.
    pub(crate) refused_at: Option<Stage>,
    /// Whether floors are kept.
    pub(crate) floors: Floors,
}

/// What is done with a pack, in order: it is judged, then accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// A step of judging it.
    Judge(Step),
    /// It becomes the floor of its name.
    Accept,
}

/// Whether there are floors to hold a pack against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Floors {
    Kept,
    None,
}

impl Explanation {
    /// The steps before what there is to say of an accepted pack.
    pub(crate) fn before(&self, report: Report) -> Report {
        let steps = self.steps();
        let text = in_words(&steps) + &report.text;
        let mut json = report.json;
        json[FIELD] = steps;
        Report { text, json }
    }

    /// The steps beside why a pack was refused.
    pub(crate) fn beside(&self, failure: Failure) -> Failure {
        failure.detail(FIELD, self.steps())
    }

    fn steps(&self) -> Value {
        let steps = Step::ALL.map(Stage::Judge);
        let stages = steps.into_iter().chain([Stage::Accept]);
        let shown = |stage: Stage| {
            json!({
                "step": stage.name(),
                "outcome": self.outcome(stage),
                "proves": stage.proves(),
            })
        };
        stages.map(shown).collect()
    }

    fn outcome(&self, stage: Stage) -> &'static str {
        match self.refused_at {
            Some(refused) if stage == refused => "failed",
            Some(refused) if stage > refused => "not_reached",
            _ if stage.needs_floors() && self.floors == Floors::None => "skipped",
            _ => "passed",
        }
    }
}

impl Stage {
    const fn name(self) -> &'static str {
        match self {
            Self::Judge(step) => step.name(),
            Self::Accept => "accept",
        }
    }

    const fn proves(self) -> &'static str {
        match self {
            Self::Judge(Step::Trust) => "the trust file is proven and in force",
            Self::Judge(step) => step.proves(),
            Self::Accept => "the floor is remembered",
        }
    }

    const fn needs_floors(self) -> bool {
        matches!(self, Self::Judge(Step::Floor) | Self::Accept)
    }
}

/// The steps for people, one a line.
pub(crate) fn in_words(steps: &Value) -> String {
    let row = |step: &Value| {
        let text = |field: &str| step[field].as_str().unwrap_or_default();
        let proves = match text("outcome") {
            "skipped" => "no floors are kept without --state",
            _ => text("proves"),
        };
        vec![
            text("outcome").replace('_', " "),
            text("step").to_owned(),
            proves.to_owned(),
        ]
    };
    let rows: Vec<Vec<String>> = steps.as_array().into_iter().flatten().map(row).collect();
    table(&rows)
}
