use std::time::{Duration, Instant};

/// What is seen of a model at work: where the time goes, and every tensor, for whoever asks.
#[derive(Default)]
pub(crate) struct Watch<'a> {
    /// In kpack's kernels, with the copies into and out of their memories.
    pub(crate) in_kernels: Duration,
    /// In matrix products.
    pub(crate) in_products: Duration,
    observer: Option<Observer<'a>>,
}

/// What is told of a tensor: its name and its elements.
pub(crate) type Observer<'a> = &'a mut dyn FnMut(&str, &[f32]);

impl<'a> Watch<'a> {
    /// A watch that shows tensors under the names that the reference gives them.
    #[cfg(test)]
    pub(crate) fn observing(observer: Observer<'a>) -> Self {
        Self {
            observer: Some(observer),
            ..Self::default()
        }
    }

    /// Counts as time in kernels.
    pub(crate) fn kernels<R>(&mut self, work: impl FnOnce() -> R) -> R {
        counted(&mut self.in_kernels, work)
    }

    /// Counts as time in products.
    pub(crate) fn products<R>(&mut self, work: impl FnOnce() -> R) -> R {
        counted(&mut self.in_products, work)
    }

    /// Shows a tensor. Of a whole model, the layer is none.
    pub(crate) fn show(&mut self, layer: Option<usize>, name: &str, values: &[f32]) {
        if let Some(observer) = &mut self.observer {
            let layer = layer
                .map(|layer| format!("layers.{layer}."))
                .unwrap_or_default();
            observer(&format!("{layer}{name}"), values);
        }
    }
}

fn counted<R>(spent: &mut Duration, work: impl FnOnce() -> R) -> R {
    let start = Instant::now();
    let result = work();
    *spent += start.elapsed();
    result
}
