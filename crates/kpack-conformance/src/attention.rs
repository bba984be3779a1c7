use crate::Expectation;
use crate::calls::Step;
use crate::golden::{Entry, File, GoldenError};
use crate::harness::Call;

pub(crate) fn read(entry: &Entry, file: &File<'_>) -> Result<Vec<Step>, GoldenError> {
    let inputs = vec![
        ("q", file.tensor("q")?),
        ("k", file.tensor("k")?),
        ("v", file.tensor("v")?),
    ];
    let params = vec![
        ("causal", entry.bool("causal")?.into()),
        ("scale", entry.number("scale")?.into()),
    ];
    let expected = Expectation::new(file.values("expected")?.1, entry.tolerance().plain());
    Ok(vec![Step {
        call: Call {
            kernel: "attention_f32",
            inputs,
            params,
        },
        expected: vec![("y", expected)],
    }])
}
