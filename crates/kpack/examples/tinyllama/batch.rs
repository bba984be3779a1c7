use anyhow::{Context, Result, ensure};
use kpack::{BoundKernel, Kernel, Pack};

use crate::attention::Attention;
use crate::cache::Cache;
use crate::llama::Llama;
use crate::product::product;
use crate::watch::Watch;

/// A model's kernels, bound for batches of so many tokens.
///
/// The kernels' own memories hold the activations: a product reads its operand where one kernel has
/// left it, and writes its result where the next one wants it. The norms' weights are written once.
pub(crate) struct Batch<'m> {
    model: &'m Llama,
    tokens: usize,
    input_norms: Vec<BoundKernel>,
    angles: BoundKernel,
    turn_query: BoundKernel,
    turn_key: BoundKernel,
    attention: Attention,
    post_attention_norms: Vec<BoundKernel>,
    swiglu: BoundKernel,
    final_norm: BoundKernel,
}

impl<'m> Batch<'m> {
    /// Makes an instance of each kernel, and one of the norm for each of its weights.
    ///
    /// # Errors
    ///
    /// When the pack lacks a kernel, or it does not take these shapes.
    pub(crate) fn bind(model: &'m Llama, pack: &Pack, tokens: usize) -> Result<Self> {
        let (config, weights) = (&model.config, &model.weights);
        let (norm, rope) = (pack.kernel("rmsnorm_f32")?, pack.kernel("rope_f32")?);
        let half = config.head_dim / 2;
        let bind_norm = |weight: &[f32]| -> Result<BoundKernel> {
            let dims = [("rows", tokens), ("hidden", config.hidden_size)];
            let mut norm = norm.bind(&dims, &[("eps", config.rms_norm_eps.into())])?;
            norm.input_mut::<f32>("weight")?.copy_from_slice(weight);
            Ok(norm)
        };
        let bind_rope = |rope: &Kernel, heads| {
            let of_head = [("heads", heads), ("dim", config.head_dim), ("half", half)];
            let dims = [[("batch", 1), ("seq", tokens)].as_slice(), &of_head].concat();
            rope.bind(&dims, &[])
        };
        let layers = weights.layers.iter();
        let width = [("rows", tokens), ("width", config.intermediate_size)];
        Ok(Self {
            model,
            tokens,
            input_norms: layers
                .clone()
                .map(|layer| bind_norm(&layer.input_norm))
                .collect::<Result<_>>()?,
            angles: pack.kernel("rope_freqs_f32")?.bind(
                &[("seq", tokens)],
                &[
                    ("half", u32::try_from(half)?.into()),
                    ("theta", config.rope_theta.into()),
                ],
            )?,
            turn_query: bind_rope(&rope, config.num_attention_heads)?,
            turn_key: bind_rope(&rope, config.num_key_value_heads)?,
            attention: Attention::new(config, pack)?,
            post_attention_norms: layers
                .map(|layer| bind_norm(&layer.post_attention_norm))
                .collect::<Result<_>>()?,
            swiglu: pack.kernel("swiglu_f32")?.bind(&width, &[])?,
            final_norm: bind_norm(&weights.norm)?,
        })
    }

    /// The logits [tokens, vocab] of what follows each of the tokens, which themselves follow those in
    /// the cache and are added to it.
    ///
    /// # Errors
    ///
    /// When a kernel fails, there are more or fewer tokens than the batch is for, or the vocabulary
    /// lacks one.
    pub(crate) fn forward(
        &mut self,
        tokens: &[usize],
        cache: &mut Cache,
        watch: &mut Watch<'_>,
    ) -> Result<Vec<f32>> {
        ensure!(
            tokens.len() == self.tokens,
            "a batch is for {} tokens",
            self.tokens
        );
        let (config, weights) = (&self.model.config, &self.model.weights);
        let mut stream = self.embed(tokens)?;
        watch.kernels(|| self.set_positions(cache.tokens()))?;
        for layer in 0..config.num_hidden_layers {
            self.attend(layer, &mut stream, cache, watch)?;
            self.feed_forward(layer, &mut stream, watch)?;
        }
        watch.show(None, "final_norm.in", &stream);
        let normed = watch.kernels(|| norm(&mut self.final_norm, &stream))?;
        watch.show(None, "final_norm.out", normed);
        let mut logits = vec![0.0; tokens.len() * config.vocab_size];
        watch.products(|| product(normed, &weights.head, config.hidden_size, &mut logits));
        watch.show(None, "logits", &logits);
        Ok(logits)
    }

    /// The residual stream [tokens, hidden] at its start.
    fn embed(&self, tokens: &[usize]) -> Result<Vec<f32>> {
        let rows = self
            .model
            .weights
            .embeddings
            .chunks_exact(self.model.config.hidden_size);
        let mut stream = Vec::with_capacity(tokens.len() * self.model.config.hidden_size);
        for &token in tokens {
            let row = rows.clone().nth(token);
            stream.extend(row.with_context(|| format!("no such token: `{token}`"))?);
        }
        Ok(stream)
    }

    /// Gives both ropes the angles of the positions from `first` on, for all layers.
    fn set_positions(&mut self, first: usize) -> Result<()> {
        let positions = self.angles.input_mut::<i32>("positions")?;
        for (position, number) in positions.iter_mut().zip(first..) {
            *position = i32::try_from(number)?;
        }
        self.angles.run()?;
        let freqs = self.angles.output::<f32>("freqs")?;
        for rope in [&mut self.turn_query, &mut self.turn_key] {
            rope.input_mut::<f32>("freqs")?.copy_from_slice(freqs);
        }
        Ok(())
    }

    /// Adds what the tokens take from those that they see.
    fn attend(
        &mut self,
        layer: usize,
        stream: &mut [f32],
        cache: &mut Cache,
        watch: &mut Watch<'_>,
    ) -> Result<()> {
        let (config, weights) = (&self.model.config, &self.model.weights.layers[layer]);
        let hidden = config.hidden_size;
        watch.show(Some(layer), "input_layernorm.in", stream);
        let normed = watch.kernels(|| norm(&mut self.input_norms[layer], stream))?;
        watch.show(Some(layer), "input_layernorm.out", normed);

        let (query, key) = (
            self.turn_query.input_mut("x")?,
            self.turn_key.input_mut("x")?,
        );
        let cache = cache.layer(layer);
        watch.products(|| {
            product(normed, &weights.query, hidden, query);
            product(normed, &weights.key, hidden, key);
            product(
                normed,
                &weights.value,
                hidden,
                cache.further_values(self.tokens),
            );
        });
        watch.show(Some(layer), "rope.q_in", query);
        watch.show(Some(layer), "rope.k_in", key);

        let attended = watch.kernels(|| -> Result<&[f32]> {
            self.turn_query.run()?;
            self.turn_key.run()?;
            cache.keys.extend_from_slice(self.turn_key.output("y")?);
            let query = self.turn_query.output::<f32>("y")?;
            self.attention.attend(query, &cache.keys, &cache.values)
        })?;
        watch.show(Some(layer), "rope.q_out", self.turn_query.output("y")?);
        watch.show(Some(layer), "rope.k_out", self.turn_key.output("y")?);

        let mut change = vec![0.0; stream.len()];
        watch.products(|| product(attended, &weights.output, config.query_width(), &mut change));
        add(stream, &change);
        Ok(())
    }

    /// Adds what each token makes of itself.
    fn feed_forward(
        &mut self,
        layer: usize,
        stream: &mut [f32],
        watch: &mut Watch<'_>,
    ) -> Result<()> {
        let (config, weights) = (&self.model.config, &self.model.weights.layers[layer]);
        watch.show(Some(layer), "post_attention_layernorm.in", stream);
        let normed = watch.kernels(|| norm(&mut self.post_attention_norms[layer], stream))?;
        watch.show(Some(layer), "post_attention_layernorm.out", normed);

        for (input, name, weight) in [
            ("gate", "swiglu.gate", &weights.gate),
            ("up", "swiglu.up", &weights.up),
        ] {
            let place = self.swiglu.input_mut::<f32>(input)?;
            watch.products(|| product(normed, weight, config.hidden_size, place));
            watch.show(Some(layer), name, place);
        }
        watch.kernels(|| self.swiglu.run())?;
        let gated = self.swiglu.output("y")?;
        watch.show(Some(layer), "swiglu.out", gated);

        let mut change = vec![0.0; stream.len()];
        watch.products(|| product(gated, &weights.down, config.intermediate_size, &mut change));
        add(stream, &change);
        Ok(())
    }
}

fn norm<'n>(norm: &'n mut BoundKernel, x: &[f32]) -> Result<&'n [f32]> {
    norm.input_mut::<f32>("x")?.copy_from_slice(x);
    norm.run()?;
    Ok(norm.output("y")?)
}

fn add(stream: &mut [f32], change: &[f32]) {
    for (value, change) in stream.iter_mut().zip(change) {
        *value += change;
    }
}
