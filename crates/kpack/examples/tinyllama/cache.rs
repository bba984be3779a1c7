use crate::config::Config;

/// The keys and values of all tokens so far, layer by layer.
#[derive(Debug)]
pub(crate) struct Cache {
    layers: Vec<LayerCache>,
}

/// The keys and values of one layer, each [tokens, kv_heads, dim].
#[derive(Debug, Clone)]
pub(crate) struct LayerCache {
    width: usize,
    /// The keys, turned by their positions.
    pub(crate) keys: Vec<f32>,
    /// The values.
    pub(crate) values: Vec<f32>,
}

impl Cache {
    /// A cache that holds nothing, with room for so many tokens.
    pub(crate) fn new(config: &Config, capacity: usize) -> Self {
        let width = config.key_width();
        let layer = || LayerCache {
            width,
            keys: Vec::with_capacity(capacity * width),
            values: Vec::with_capacity(capacity * width),
        };
        Self {
            layers: (0..config.num_hidden_layers).map(|_| layer()).collect(),
        }
    }

    /// The tokens in it.
    pub(crate) fn tokens(&self) -> usize {
        self.layers.first().map_or(0, LayerCache::tokens)
    }

    /// The part of one layer.
    pub(crate) fn layer(&mut self, layer: usize) -> &mut LayerCache {
        &mut self.layers[layer]
    }
}

impl LayerCache {
    /// The tokens in it.
    pub(crate) fn tokens(&self) -> usize {
        self.keys.len() / self.width
    }

    /// The place of the values of so many further tokens.
    pub(crate) fn further_values(&mut self, tokens: usize) -> &mut [f32] {
        let before = self.values.len();
        self.values.resize(before + tokens * self.width, 0.0);
        &mut self.values[before..]
    }
}
