use anyhow::Result;
use kpack::Pack;

use crate::config::Config;

/// Causal attention over the keys and values of all tokens so far.
pub(crate) struct Attention {
    heads: usize,
    kv_heads: usize,
    dim: usize,
    /// [tokens, heads, dim].
    attended: Vec<f32>,
}

impl Attention {
    /// Attention with a model's heads.
    pub(crate) fn new(config: &Config, _pack: &Pack) -> Result<Self> {
        Ok(Self {
            heads: config.num_attention_heads,
            kv_heads: config.num_key_value_heads,
            dim: config.head_dim,
            attended: Vec::new(),
        })
    }

    /// What the queries [tokens, heads, dim], which belong to the last tokens, take from the values.
    /// `keys` and `values` are [all tokens, kv_heads, dim].
    pub(crate) fn attend(&mut self, query: &[f32], keys: &[f32], values: &[f32]) -> Result<&[f32]> {
        let Self {
            heads,
            kv_heads,
            dim,
            ..
        } = *self;
        let (tokens, all) = (query.len() / (heads * dim), keys.len() / (kv_heads * dim));
        self.attended.clear();
        self.attended.resize(query.len(), 0.0);
        for token in 0..tokens {
            for head in 0..heads {
                let at = (token * heads + head) * dim;
                let row = |of: usize| (of * kv_heads + head / (heads / kv_heads)) * dim;
                let q = &query[at..at + dim];
                let seen = all - tokens + token + 1;
                let scores: Vec<f32> = (0..seen)
                    .map(|key| {
                        let k = &keys[row(key)..row(key) + dim];
                        q.iter().zip(k).map(|(q, k)| q * k).sum::<f32>() / (dim as f32).sqrt()
                    })
                    .collect();
                let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let sum: f32 = scores.iter().map(|score| (score - largest).exp()).sum();
                for (key, score) in scores.iter().enumerate() {
                    let share = (score - largest).exp() / sum;
                    let v = &values[row(key)..row(key) + dim];
                    for (y, v) in self.attended[at..at + dim].iter_mut().zip(v) {
                        *y += share * v;
                    }
                }
            }
        }
        Ok(&self.attended)
    }
}
