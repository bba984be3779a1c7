use crate::Expectation;
use crate::calls::Step;
use crate::golden::{Entry, File, GoldenError};
use crate::harness::Call;

pub(crate) fn read(entry: &Entry, file: &File<'_>) -> Result<Vec<Step>, GoldenError> {
    let expected = Expectation::new(file.values("expected")?.1, entry.tolerance().plain());
    Ok(vec![Step {
        call: Call {
            kernel: "softmax_f32",
            inputs: vec![("x", file.rows("x")?)],
            params: Vec::new(),
        },
        expected: vec![("y", expected)],
    }])
}
