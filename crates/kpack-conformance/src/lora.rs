use crate::Expectation;
use crate::calls::Step;
use crate::golden::{Entry, File, GoldenError};
use crate::harness::Call;

/// The adapter is applied to the stored result of the adapted product.
pub(crate) fn read(entry: &Entry, file: &File<'_>) -> Result<Vec<Step>, GoldenError> {
    let inputs = vec![
        ("base", file.rows("base_out")?),
        ("x", file.rows("x")?),
        ("lora_a", file.tensor("lora_a")?),
        ("lora_b", file.tensor("lora_b")?),
    ];
    let expected = Expectation::new(file.values("expected_apply")?.1, entry.tolerance().plain());
    Ok(vec![Step {
        call: Call {
            kernel: "lora_apply_f32",
            inputs,
            params: vec![("scale", entry.number("scale")?.into())],
        },
        expected: vec![("y", expected)],
    }])
}
