use std::error::Error;

use half::{bf16, f16};
use kpack::{DataType, Element, ParamValue, Tensor};
use kpack_reference::{AttentionShape, GeluForm, LoraShape, Mask, PairLayout, RopeShape, native};

use crate::{Call, Harness, Results};

/// Runs the plain Rust loops of `kpack-reference`.
#[derive(Debug, Clone, Copy, Default)]
pub struct NativeHarness;

impl Harness for NativeHarness {
    fn call(&mut self, call: &Call) -> Result<Results, AnyError> {
        match call.kernel {
            "add_rmsnorm_f32" => add_rmsnorm(call),
            "attention_f32" => attention(call),
            "attention_q8" => attention_q8(call),
            "dequantize_rows_i8" => dequantize_rows_i8(call),
            "dequantize_rows_u8" => dequantize_rows_u8(call),
            "gelu_f32" => gelu(call),
            "kv_pack_q4" => pack(call, DataType::Q4, native::kv_pack_q4),
            "kv_pack_q8" => pack(call, DataType::Q8, native::kv_pack_q8),
            "kv_unpack_q4" => unpack(call, native::kv_unpack_q4),
            "kv_unpack_q8" => unpack(call, native::kv_unpack_q8),
            "layernorm_f16" => layernorm::<f16>(call),
            "layernorm_f32" => layernorm::<f32>(call),
            "lora_apply_f16" => lora_apply::<f16>(call),
            "lora_apply_f32" => lora_apply::<f32>(call),
            "quantize_rows_i8" => quantize_rows_i8(call),
            "rmsnorm_bf16" => rmsnorm::<bf16>(call),
            "rmsnorm_f16" => rmsnorm::<f16>(call),
            "rmsnorm_f32" => rmsnorm::<f32>(call),
            "rope_bf16" => rope::<bf16>(call),
            "rope_f16" => rope::<f16>(call),
            "rope_f32" => rope::<f32>(call),
            "rope_freqs_f32" => rope_freqs(call),
            "softmax_f32" => softmax(call),
            "swiglu_bf16" => swiglu::<bf16>(call),
            "swiglu_f16" => swiglu::<f16>(call),
            "swiglu_f32" => swiglu::<f32>(call),
            other => Err(format!("no native loop for kernel: `{other}`").into()),
        }
    }
}

type AnyError = Box<dyn Error + Send + Sync>;

/// A type that kernels compute with in `f32`.
trait Real: Element + kpack_reference::Element {}

impl<T: Element + kpack_reference::Element> Real for T {}

/// An output of the shape of a tensor, computed into zeros.
fn like<T: Real>(
    tensor: &Tensor,
    name: &str,
    compute: impl FnOnce(&mut [T]),
) -> Result<(String, Tensor), AnyError> {
    let mut y = vec![T::round(0.0); tensor.shape().iter().product()];
    compute(&mut y);
    Ok((name.to_owned(), Tensor::new(tensor.shape(), y)?))
}

fn rmsnorm<T: Real>(call: &Call) -> Result<Results, AnyError> {
    let (x, weight) = (call.tensor("x")?, call.tensor("weight")?);
    let (eps, weight_offset) = (call.f32("eps", 1e-5), call.f32("weight_offset", 0.0));
    let (xs, weights) = (x.as_slice::<T>()?, weight.as_slice()?);
    let y = like(x, "y", |y| {
        native::rmsnorm(xs, weights, eps, weight_offset, y)
    })?;
    Ok(vec![y])
}

fn add_rmsnorm(call: &Call) -> Result<Results, AnyError> {
    let x = call.tensor("x")?;
    let (eps, weight_offset) = (call.f32("eps", 1e-5), call.f32("weight_offset", 0.0));
    let residual = call.slice::<f32>("residual")?;
    let weight = call.slice::<f32>("weight")?;
    let xs = x.as_slice()?;
    let mut sum = vec![0.0; xs.len()];
    let y = like(x, "y", |y| {
        native::add_rmsnorm(xs, residual, weight, eps, weight_offset, y, &mut sum);
    })?;
    Ok(vec![y, ("sum".to_owned(), Tensor::new(x.shape(), sum)?)])
}

fn layernorm<T: Real>(call: &Call) -> Result<Results, AnyError> {
    let (x, eps) = (call.tensor("x")?, call.f32("eps", 1e-5));
    let (weight, bias) = (call.slice::<T>("weight")?, call.slice("bias")?);
    let xs = x.as_slice()?;
    let y = like(x, "y", |y| native::layernorm(xs, weight, bias, eps, y))?;
    Ok(vec![y])
}

fn swiglu<T: Real>(call: &Call) -> Result<Results, AnyError> {
    let (gate, up) = (call.tensor("gate")?, call.slice::<T>("up")?);
    let gates = gate.as_slice()?;
    Ok(vec![like(gate, "y", |y| native::swiglu(gates, up, y))?])
}

fn gelu(call: &Call) -> Result<Results, AnyError> {
    let x = call.tensor("x")?;
    let form = if call.bool("tanh_approximation", false) {
        GeluForm::Tanh
    } else {
        GeluForm::Erf
    };
    let xs = x.as_slice()?;
    Ok(vec![like(x, "y", |y| native::gelu(xs, form, y))?])
}

fn softmax(call: &Call) -> Result<Results, AnyError> {
    let x = call.tensor("x")?;
    let (xs, width) = (x.as_slice()?, x.shape()[1]);
    Ok(vec![like(x, "y", |y| native::softmax(xs, width, y))?])
}

fn rope<T: Real>(call: &Call) -> Result<Results, AnyError> {
    let (x, freqs) = (call.tensor("x")?, call.tensor("freqs")?);
    let (&[batch, seq, heads, dim], &[_, _, half]) = (x.shape(), freqs.shape()) else {
        return Err("x is [batch, seq, heads, dim] and freqs [seq, 2, half]".into());
    };
    let layout = if call.bool("interleaved", false) {
        PairLayout::Interleaved
    } else {
        PairLayout::Half
    };
    let shape = RopeShape {
        batch,
        seq,
        heads,
        dim,
        half,
    };
    let (xs, freqs) = (x.as_slice::<T>()?, freqs.as_slice()?);
    Ok(vec![like(x, "y", |y| {
        native::rope(shape, layout, xs, freqs, y)
    })?])
}

fn rope_freqs(call: &Call) -> Result<Results, AnyError> {
    let positions = call.slice::<i32>("positions")?;
    let Some(ParamValue::U32(half)) = call.param("half") else {
        return Err("missing parameter: `half`".into());
    };
    let half = usize::try_from(half)?;
    let mut freqs = vec![0.0; positions.len() * 2 * half];
    native::rope_freqs(positions, half, call.f32("theta", 10_000.0), &mut freqs);
    let freqs = Tensor::new(&[positions.len(), 2, half], freqs)?;
    Ok(vec![("freqs".to_owned(), freqs)])
}

fn pack(call: &Call, dtype: DataType, pack: fn(&[f32], &mut [u8])) -> Result<Results, AnyError> {
    let x = call.tensor("x")?;
    let mut blocks = vec![0; usize::try_from(kpack_schema::tensor_byte_len(dtype, x.shape())?)?];
    pack(x.as_slice()?, &mut blocks);
    let blocks = Tensor::from_bytes(dtype, x.shape(), &blocks)?;
    Ok(vec![("blocks".to_owned(), blocks)])
}

fn unpack(call: &Call, unpack: fn(&[u8], &mut [f32])) -> Result<Results, AnyError> {
    let blocks = call.tensor("blocks")?;
    Ok(vec![like(blocks, "y", |y| unpack(blocks.bytes(), y))?])
}

fn quantize_rows_i8(call: &Call) -> Result<Results, AnyError> {
    let x = call.tensor("x")?;
    let xs = x.as_slice::<f32>()?;
    let (mut q, mut scale) = (vec![0; xs.len()], vec![0.0; x.shape()[0]]);
    native::quantize_rows_i8(xs, &mut q, &mut scale);
    let scale = Tensor::new(&x.shape()[..1], scale)?;
    let q = Tensor::new(x.shape(), q)?;
    Ok(vec![("q".to_owned(), q), ("scale".to_owned(), scale)])
}

fn dequantize_rows_i8(call: &Call) -> Result<Results, AnyError> {
    let (q, scale) = (call.tensor("q")?, call.slice("scale")?);
    let qs = q.as_slice()?;
    let y = like(q, "y", |y| native::dequantize_rows_i8(qs, scale, y))?;
    Ok(vec![y])
}

fn dequantize_rows_u8(call: &Call) -> Result<Results, AnyError> {
    let (q, scale) = (call.tensor("q")?, call.slice("scale")?);
    let (qs, zero_point) = (q.as_slice()?, call.slice("zero_point")?);
    let y = like(q, "y", |y| {
        native::dequantize_rows_u8(qs, scale, zero_point, y);
    })?;
    Ok(vec![y])
}

fn lora_apply<T: Real>(call: &Call) -> Result<Results, AnyError> {
    let (base, x, lora_a) = (
        call.tensor("base")?,
        call.tensor("x")?,
        call.tensor("lora_a")?,
    );
    let shape = LoraShape {
        rows: x.shape()[0],
        inputs: x.shape()[1],
        outputs: base.shape()[1],
        rank: lora_a.shape()[0],
    };
    let (bases, xs) = (base.as_slice::<T>()?, x.as_slice()?);
    let (lora_a, lora_b) = (lora_a.as_slice()?, call.slice("lora_b")?);
    let scale = call.f32("scale", 1.0);
    let y = like(base, "y", |y| {
        native::lora_apply(shape, bases, xs, lora_a, lora_b, scale, y);
    })?;
    Ok(vec![y])
}

fn attention(call: &Call) -> Result<Results, AnyError> {
    let (shape, mask, scale) = attention_shape(call)?;
    let q = call.tensor("q")?;
    let (qs, k, v) = (q.as_slice()?, call.slice("k")?, call.slice("v")?);
    let y = like(q, "y", |y| {
        native::attention(shape, mask, scale, qs, k, v, y);
    })?;
    Ok(vec![y])
}

fn attention_q8(call: &Call) -> Result<Results, AnyError> {
    let (shape, mask, scale) = attention_shape(call)?;
    let q = call.tensor("q")?;
    let (qs, k, v) = (q.as_slice()?, call.tensor("k")?, call.tensor("v")?);
    let y = like(q, "y", |y| {
        native::attention_q8(shape, mask, scale, qs, k.bytes(), v.bytes(), y);
    })?;
    Ok(vec![y])
}

fn attention_shape(call: &Call) -> Result<(AttentionShape, Mask, f32), AnyError> {
    let (q, k) = (call.tensor("q")?, call.tensor("k")?);
    let (&[q_seq, heads, dim], &[kv_seq, kv_heads, _]) = (q.shape(), k.shape()) else {
        return Err("q is [q_seq, heads, dim] and k [kv_seq, kv_heads, dim]".into());
    };
    let shape = AttentionShape {
        q_seq,
        kv_seq,
        heads,
        kv_heads,
        dim,
    };
    let mask = if call.bool("causal", true) {
        Mask::Causal
    } else {
        Mask::None
    };
    Ok((shape, mask, call.f32("scale", 0.0)))
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

    fn slice<T: Element>(&self, name: &str) -> Result<&[T], AnyError> {
        Ok(self.tensor(name)?.as_slice()?)
    }

    fn bool(&self, name: &str, default: bool) -> bool {
        match self.param(name) {
            Some(ParamValue::Bool(value)) => value,
            _ => default,
        }
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
