use crate::Expectation;
use crate::calls::Step;
use crate::golden::{Entry, File, GoldenError};
use crate::harness::Call;

pub(crate) fn read(entry: &Entry, file: &File<'_>) -> Result<Vec<Step>, GoldenError> {
    let kernel =
        entry.kernel_of_dtype([Some("swiglu_f32"), Some("swiglu_f16"), Some("swiglu_bf16")])?;
    let mut expected = Expectation::new(file.values("expected")?.1, entry.tolerance().plain());
    if entry.has_flag("silu_neg_inf") {
        let (_, gate) = file.values("gate")?;
        let minus_infinity = |&index: &usize| gate[index] == f32::NEG_INFINITY;
        expected.nan_or_zero = (0..gate.len()).filter(minus_infinity).collect();
    }
    Ok(vec![Step {
        call: Call {
            kernel,
            inputs: vec![("gate", file.rows("gate")?), ("up", file.rows("up")?)],
            params: Vec::new(),
        },
        expected: vec![("y", expected)],
    }])
}
