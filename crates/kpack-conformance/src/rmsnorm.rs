use kpack::{ParamValue, Tensor};

use crate::Expectation;
use crate::calls::Step;
use crate::golden::{Entry, File, GoldenError};
use crate::harness::Call;

/// A call of `rmsnorm_*`; for `f32` also one of `add_rmsnorm_f32`, whose sum is the case's `x`.
pub(crate) fn read(entry: &Entry, file: &File<'_>) -> Result<Vec<Step>, GoldenError> {
    let kernel = entry.kernel_of_dtype([
        Some("rmsnorm_f32"),
        Some("rmsnorm_f16"),
        Some("rmsnorm_bf16"),
    ])?;
    let x = file.rows("x")?;
    let weight = match entry.text("weight_mode")? {
        "none" => {
            let hidden = x.shape()[1];
            Tensor::new(&[hidden], vec![1.0_f32; hidden]).map_err(|e| entry.malformed(e))?
        }
        _ => file.tensor("weight")?,
    };
    let weight_offset = match entry.text("weight_mode")? {
        "one_plus_w" => 1.0,
        _ => 0.0,
    };
    let mut expected = Expectation::new(file.values("expected")?.1, entry.tolerance().plain());
    if entry.has_flag("framework_differs") {
        expected.alternative = Some(file.values("framework")?.1);
    }
    let params = vec![
        ("eps", entry.number("eps")?.into()),
        ("weight_offset", weight_offset.into()),
    ];
    let mut steps = Vec::new();
    if let Ok(values) = x.as_slice::<f32>() {
        let sum = Sum {
            x: x.clone(),
            values,
            weight: weight.clone(),
            params: params.clone(),
        };
        steps.push(sum.step(expected.clone()));
    }
    let norm = Step {
        call: Call {
            kernel,
            inputs: vec![("x", x), ("weight", weight)],
            params,
        },
        expected: vec![("y", expected)],
    };
    steps.insert(0, norm);
    Ok(steps)
}

struct Sum<'a> {
    x: Tensor,
    values: &'a [f32],
    weight: Tensor,
    params: Vec<(&'static str, ParamValue)>,
}

impl Sum<'_> {
    /// Every other element comes from `residual`, the rest from `x`: their sums are exact.
    fn step(self, y: Expectation) -> Step {
        let shape = self.x.shape();
        let part = |remainder: usize| {
            let elements = self.values.iter().enumerate();
            let kept = elements.map(|(i, &x)| if i % 2 == remainder { x } else { 0.0 });
            Tensor::new(shape, kept.collect()).expect("as many elements as x")
        };
        let inputs = vec![
            ("x", part(0)),
            ("residual", part(1)),
            ("weight", self.weight),
        ];
        let exact = Expectation::exact(self.values.iter().map(|x| x + 0.0).collect());
        Step {
            call: Call {
                kernel: "add_rmsnorm_f32",
                inputs,
                params: self.params,
            },
            expected: vec![("y", y), ("sum", exact)],
        }
    }
}
