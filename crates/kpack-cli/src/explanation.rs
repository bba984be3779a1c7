//! How far a pack came when it was judged: what `kpack verify --explain` adds.

use kpack::Step;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::report::{Report, table};

/// The field under which the steps stand in an answer and in an error.
pub(crate) const FIELD: &str = "steps";

/// How far a pack came.
pub(crate) struct Explanation {
    /// The step that was not passed.
    pub(crate) refused_at: Option<Step>,
    /// Whether floors are kept.
    pub(crate) floors: Floors,
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
        let step = |step: Step| {
            json!({
                "step": step.name(),
                "outcome": self.outcome(step),
                "proves": step.proves(),
            })
        };
        Step::ALL.map(step).to_vec().into()
    }

    fn outcome(&self, step: Step) -> &'static str {
        match self.refused_at {
            Some(refused) if step == refused => "failed",
            Some(refused) if step > refused => "not_reached",
            _ if step == Step::Floor && self.floors == Floors::None => "skipped",
            _ => "passed",
        }
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
