use std::error::Error;

use kpack::{ParamValue, Tensor};
use kpack_reference::{PairLayout, RopeShape, native};

use crate::{Call, Harness};

/// Runs the plain Rust loops of `kpack-reference`.
#[derive(Debug, Clone, Copy, Default)]
pub struct NativeHarness;

impl Harness for NativeHarness {
    fn call(&mut self, call: &Call) -> Result<Tensor, Box<dyn Error + Send + Sync>> {
        match call.kernel {
            "rmsnorm_f32" => rmsnorm(call),
            "swiglu_f32" => swiglu(call),
            "rope_f32" => rope(call),
            "rope_freqs_f32" => rope_freqs(call),
            other => Err(format!("no native loop for kernel: `{other}`").into()),
        }
    }
}

type Result2 = Result<Tensor, Box<dyn Error + Send + Sync>>;

fn rmsnorm(call: &Call) -> Result2 {
    let (x, weight) = (call.tensor("x")?, call.tensor("weight")?);
    let mut y = vec![0.0; x.as_slice::<f32>()?.len()];
    let (eps, weight_offset) = (call.f32("eps", 1e-5), call.f32("weight_offset", 0.0));
    native::rmsnorm(
        x.as_slice()?,
        weight.as_slice()?,
        eps,
        weight_offset,
        &mut y,
    );
    Ok(Tensor::new(x.shape(), y)?)
}

fn swiglu(call: &Call) -> Result2 {
    let (gate, up) = (call.tensor("gate")?, call.tensor("up")?);
    let mut y = vec![0.0; gate.as_slice::<f32>()?.len()];
    native::swiglu(gate.as_slice()?, up.as_slice()?, &mut y);
    Ok(Tensor::new(gate.shape(), y)?)
}

fn rope(call: &Call) -> Result2 {
    let (x, freqs) = (call.tensor("x")?, call.tensor("freqs")?);
    let (&[batch, seq, heads, dim], &[_, _, half]) = (x.shape(), freqs.shape()) else {
        return Err("x is [batch, seq, heads, dim] and freqs [seq, 2, half]".into());
    };
    let layout = match call.param("interleaved") {
        Some(ParamValue::Bool(true)) => PairLayout::Interleaved,
        _ => PairLayout::Half,
    };
    let mut y = vec![0.0; x.as_slice::<f32>()?.len()];
    let shape = RopeShape {
        batch,
        seq,
        heads,
        dim,
        half,
    };
    native::rope(shape, layout, x.as_slice()?, freqs.as_slice()?, &mut y);
    Ok(Tensor::new(x.shape(), y)?)
}

fn rope_freqs(call: &Call) -> Result2 {
    let positions = call.tensor("positions")?.as_slice::<i32>()?;
    let Some(ParamValue::U32(half)) = call.param("half") else {
        return Err("missing parameter: `half`".into());
    };
    let half = usize::try_from(half)?;
    let mut freqs = vec![0.0; positions.len() * 2 * half];
    native::rope_freqs(positions, half, call.f32("theta", 10_000.0), &mut freqs);
    Ok(Tensor::new(&[positions.len(), 2, half], freqs)?)
}

impl Call {
    /// The input of this name.
    ///
    /// # Errors
    ///
    /// When the call has none.
    pub fn tensor(&self, name: &str) -> Result<&Tensor, String> {
        let found = self.inputs.iter().find(|(input, _)| *input == name);
        found
            .map(|(_, tensor)| tensor)
            .ok_or_else(|| format!("missing input: `{name}`"))
    }

    /// The value of the parameter of this name, if the call gives one.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<ParamValue> {
        self.params
            .iter()
            .find(|(param, _)| *param == name)
            .map(|&(_, value)| value)
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "rounded as a bound parameter is"
    )]
    fn f32(&self, name: &str, default: f32) -> f32 {
        match self.param(name) {
            Some(ParamValue::F32(value)) => value,
            Some(ParamValue::F64(value)) => value as f32,
            _ => default,
        }
    }
}
