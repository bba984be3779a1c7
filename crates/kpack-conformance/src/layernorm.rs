use crate::Expectation;
use crate::calls::Step;
use crate::golden::{Entry, File, GoldenError};
use crate::harness::Call;

pub(crate) fn read(entry: &Entry, file: &File<'_>) -> Result<Vec<Step>, GoldenError> {
    let kernel = entry.kernel_of_dtype([Some("layernorm_f32"), Some("layernorm_f16"), None])?;
    let inputs = vec![
        ("x", file.rows("x")?),
        ("weight", file.tensor("weight")?),
        ("bias", file.tensor("bias")?),
    ];
    let expected = Expectation::new(file.values("expected")?.1, entry.tolerance().plain());
    Ok(vec![Step {
        call: Call {
            kernel,
            inputs,
            params: vec![("eps", entry.number("eps")?.into())],
        },
        expected: vec![("y", expected)],
    }])
}
