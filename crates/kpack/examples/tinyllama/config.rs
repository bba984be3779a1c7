use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

/// What `config.json` says of a Llama, as Hugging Face transformers writes it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Config {
    /// Elements of a token in the residual stream.
    pub(crate) hidden_size: usize,
    /// Elements between the two products of the feed-forward part.
    pub(crate) intermediate_size: usize,
    /// Layers.
    pub(crate) num_hidden_layers: usize,
    /// Heads of the queries.
    pub(crate) num_attention_heads: usize,
    /// Heads of keys and values, each shared by as many heads of queries.
    pub(crate) num_key_value_heads: usize,
    /// Elements of a head.
    pub(crate) head_dim: usize,
    /// Tokens that there are.
    pub(crate) vocab_size: usize,
    /// What the norms add to the mean of the squares.
    pub(crate) rms_norm_eps: f32,
    /// The base of the rotary angles.
    pub(crate) rope_theta: f32,
    hidden_act: String,
    rope_scaling: Value,
    attention_bias: bool,
    mlp_bias: bool,
    tie_word_embeddings: bool,
}

impl Config {
    /// Reads the file.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or the model needs what the code here does not do.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let reading = || format!("cannot read: `{}`", path.display());
        let text = std::fs::read(path).with_context(reading)?;
        let config: Self = serde_json::from_slice(&text).with_context(reading)?;
        let is_plain = config.hidden_act == "silu"
            && config.rope_scaling.is_null()
            && !config.attention_bias
            && !config.mlp_bias
            && !config.tie_word_embeddings;
        ensure!(
            is_plain,
            "only a plain Llama runs here: silu, no scaling of RoPE, no biases, an output matrix of its own"
        );
        Ok(config)
    }

    /// Elements of all heads of a query.
    pub(crate) fn query_width(&self) -> usize {
        self.num_attention_heads * self.head_dim
    }

    /// Elements of all heads of a key or a value.
    pub(crate) fn key_width(&self) -> usize {
        self.num_key_value_heads * self.head_dim
    }
}
