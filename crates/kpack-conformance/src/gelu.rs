use kpack::ParamValue;

use crate::Expectation;
use crate::calls::Step;
use crate::golden::{Entry, File, GoldenError};
use crate::harness::Call;

pub(crate) fn read(entry: &Entry, file: &File<'_>) -> Result<Vec<Step>, GoldenError> {
    let form = ParamValue::Bool(entry.text("approximate")? == "tanh");
    let expected = Expectation::new(file.values("expected")?.1, entry.tolerance().plain());
    Ok(vec![Step {
        call: Call {
            kernel: "gelu_f32",
            inputs: vec![("x", file.rows("x")?)],
            params: vec![("tanh_approximation", form)],
        },
        expected: vec![("y", expected)],
    }])
}
