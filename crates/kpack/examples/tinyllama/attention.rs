use anyhow::Result;
use kpack::{Caller, CallerOptions, Pack, TensorView};

use crate::config::Config;

/// Causal attention over the keys and values of all tokens so far.
///
/// From slices into slices, because the cache grows by the token and is the model's own: the instances that
/// a caller keeps serve all layers, and a further token needs one more.
pub(crate) struct Attention {
    heads: usize,
    kv_heads: usize,
    dim: usize,
    caller: Caller,
    /// [tokens, heads, dim].
    attended: Vec<f32>,
}

impl Attention {
    /// Attention with a model's heads.
    ///
    /// # Errors
    ///
    /// When the pack lacks the kernel.
    pub(crate) fn new(config: &Config, pack: &Pack) -> Result<Self> {
        let kernel = pack.kernel("attention_f32")?;
        Ok(Self {
            heads: config.num_attention_heads,
            kv_heads: config.num_key_value_heads,
            dim: config.head_dim,
            caller: kernel.caller(CallerOptions::default())?,
            attended: Vec::new(),
        })
    }

    /// What the queries [tokens, heads, dim], which belong to the last tokens, take from the values.
    /// `keys` and `values` are [all tokens, kv_heads, dim].
    ///
    /// # Errors
    ///
    /// When the kernel fails.
    pub(crate) fn attend(&mut self, query: &[f32], keys: &[f32], values: &[f32]) -> Result<&[f32]> {
        let (heads, kv_heads, dim) = (self.heads, self.kv_heads, self.dim);
        let of_queries = [query.len() / (heads * dim), heads, dim];
        let of_keys = [keys.len() / (kv_heads * dim), kv_heads, dim];
        self.attended.resize(query.len(), 0.0);
        self.caller
            .call()
            .input("q", TensorView::of(&of_queries, query)?)?
            .input("k", TensorView::of(&of_keys, keys)?)?
            .input("v", TensorView::of(&of_keys, values)?)?
            .output("y", &mut self.attended)?
            .run()?;
        Ok(&self.attended)
    }
}
