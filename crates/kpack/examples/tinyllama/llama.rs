use std::path::Path;

use anyhow::Result;
use kpack::Pack;

use crate::batch::Batch;
use crate::cache::Cache;
use crate::config::Config;
use crate::watch::Watch;
use crate::weights::Weights;

/// A model of the Llama family, without its tokenizer.
#[derive(Debug)]
pub(crate) struct Llama {
    pub(crate) config: Config,
    pub(crate) weights: Weights,
}

impl Llama {
    /// Reads `config.json` and `model.safetensors`.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or is not what it should be.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let config = Config::read(&folder.join("config.json"))?;
        let weights = Weights::read(&folder.join("model.safetensors"), &config)?;
        Ok(Self { config, weights })
    }

    /// The tokens that follow a prompt, each the likeliest one.
    ///
    /// # Errors
    ///
    /// When the pack lacks a kernel, or one fails; when the vocabulary lacks a token.
    pub(crate) fn generate(
        &self,
        pack: &Pack,
        prompt: &[usize],
        count: usize,
        watch: &mut Watch<'_>,
    ) -> Result<Vec<usize>> {
        let mut cache = Cache::new(&self.config, prompt.len() + count);
        let mut whole_prompt = Batch::bind(self, pack, prompt.len())?;
        let mut one_token = Batch::bind(self, pack, 1)?;
        let mut logits = whole_prompt.forward(prompt, &mut cache, watch)?;
        let mut tokens = Vec::with_capacity(count);
        while tokens.len() < count {
            if let Some(&last) = tokens.last() {
                logits = one_token.forward(&[last], &mut cache, watch)?;
            }
            let last = &logits[logits.len() - self.config.vocab_size..];
            watch.show(None, "step_logits", last);
            tokens.push(likeliest(last));
        }
        Ok(tokens)
    }
}

/// The first of the largest.
fn likeliest(logits: &[f32]) -> usize {
    let first = (0, f32::NEG_INFINITY);
    let larger = |best: (usize, f32), (token, &logit)| {
        if logit > best.1 { (token, logit) } else { best }
    };
    logits.iter().enumerate().fold(first, larger).0
}
