use std::path::Path;

use anyhow::{Context, Result, ensure};
use safetensors::{Dtype, SafeTensors};

use crate::config::Config;

/// A model's weights. Matrices are [out, in], as PyTorch's linear layers have them.
#[derive(Debug)]
pub(crate) struct Weights {
    /// [vocab, hidden].
    pub(crate) embeddings: Vec<f32>,
    pub(crate) layers: Vec<LayerWeights>,
    /// [hidden].
    pub(crate) norm: Vec<f32>,
    /// [vocab, hidden].
    pub(crate) head: Vec<f32>,
}

/// The weights of one layer.
#[derive(Debug)]
pub(crate) struct LayerWeights {
    /// [hidden].
    pub(crate) input_norm: Vec<f32>,
    /// [heads * dim, hidden].
    pub(crate) query: Vec<f32>,
    /// [kv_heads * dim, hidden].
    pub(crate) key: Vec<f32>,
    /// [kv_heads * dim, hidden].
    pub(crate) value: Vec<f32>,
    /// [hidden, heads * dim].
    pub(crate) output: Vec<f32>,
    /// [hidden].
    pub(crate) post_attention_norm: Vec<f32>,
    /// [intermediate, hidden].
    pub(crate) gate: Vec<f32>,
    /// [intermediate, hidden].
    pub(crate) up: Vec<f32>,
    /// [hidden, intermediate].
    pub(crate) down: Vec<f32>,
}

impl Weights {
    /// Reads a file of safetensors whose tensors have the names that transformers gives a Llama's.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or a tensor is missing or has another type or shape than it should.
    pub(crate) fn read(path: &Path, config: &Config) -> Result<Self> {
        let reading = || format!("cannot read: `{}`", path.display());
        let bytes = std::fs::read(path).with_context(reading)?;
        let file = File(SafeTensors::deserialize(&bytes).with_context(reading)?);
        let (vocab, hidden) = (config.vocab_size, config.hidden_size);
        let layers = 0..config.num_hidden_layers;
        Ok(Self {
            embeddings: file.f32s("model.embed_tokens.weight", &[vocab, hidden])?,
            layers: layers
                .map(|layer| LayerWeights::of(&file, layer, config))
                .collect::<Result<_>>()?,
            norm: file.f32s("model.norm.weight", &[hidden])?,
            head: file.f32s("lm_head.weight", &[vocab, hidden])?,
        })
    }
}

impl LayerWeights {
    fn of(file: &File<'_>, layer: usize, config: &Config) -> Result<Self> {
        let (hidden, intermediate) = (config.hidden_size, config.intermediate_size);
        let (query, key) = (config.query_width(), config.key_width());
        let weight = |name: &str, shape: &[usize]| {
            file.f32s(&format!("model.layers.{layer}.{name}.weight"), shape)
        };
        Ok(Self {
            input_norm: weight("input_layernorm", &[hidden])?,
            query: weight("self_attn.q_proj", &[query, hidden])?,
            key: weight("self_attn.k_proj", &[key, hidden])?,
            value: weight("self_attn.v_proj", &[key, hidden])?,
            output: weight("self_attn.o_proj", &[hidden, query])?,
            post_attention_norm: weight("post_attention_layernorm", &[hidden])?,
            gate: weight("mlp.gate_proj", &[intermediate, hidden])?,
            up: weight("mlp.up_proj", &[intermediate, hidden])?,
            down: weight("mlp.down_proj", &[hidden, intermediate])?,
        })
    }
}

struct File<'a>(SafeTensors<'a>);

impl File<'_> {
    fn f32s(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let tensor = self.0.tensor(name)?;
        ensure!(
            tensor.dtype() == Dtype::F32 && tensor.shape() == shape,
            "the tensor must be f32 of shape {shape:?}: `{name}`"
        );
        let (elements, _) = tensor.data().as_chunks::<4>();
        Ok(elements.iter().copied().map(f32::from_le_bytes).collect())
    }
}
