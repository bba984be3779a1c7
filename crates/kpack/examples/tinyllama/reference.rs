use std::path::Path;

use anyhow::{Context, Result};
use safetensors::SafeTensors;

/// What transformers computed with the same weights: prompts with the tokens that follow, and the
/// tensors on the way.
pub(crate) struct Reference {
    bytes: Vec<u8>,
}

/// A prompt and the tokens that follow it.
pub(crate) struct Continuation {
    pub(crate) prompt: Vec<usize>,
    pub(crate) tokens: Vec<usize>,
}

/// Prompts in the file.
const PROMPTS: usize = 3;

impl Reference {
    /// Reads `reference.safetensors`.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join("reference.safetensors");
        let reading = || format!("cannot read: `{}`", path.display());
        let bytes = std::fs::read(&path).with_context(reading)?;
        SafeTensors::deserialize(&bytes).with_context(reading)?;
        Ok(Self { bytes })
    }

    /// The prompts, each with its tokens.
    ///
    /// # Errors
    ///
    /// When the file lacks one.
    pub(crate) fn continuations(&self) -> Result<Vec<Continuation>> {
        let of_prompt = |index| -> Result<Continuation> {
            Ok(Continuation {
                prompt: self.tokens(&format!("gen{index}.prompt"))?,
                tokens: self.tokens(&format!("gen{index}.tokens"))?,
            })
        };
        (0..PROMPTS).map(of_prompt).collect()
    }

    fn tokens(&self, name: &str) -> Result<Vec<usize>> {
        let file = SafeTensors::deserialize(&self.bytes)?;
        let tensor = file.tensor(name)?;
        let (elements, _) = tensor.data().as_chunks::<8>();
        let tokens = elements.iter().copied().map(i64::from_le_bytes);
        Ok(tokens.map(usize::try_from).collect::<Result<_, _>>()?)
    }

    /// The shape and the elements of an f32 tensor; none where there is none of that name.
    #[cfg(test)]
    pub(crate) fn f32s(&self, name: &str) -> Option<(Vec<usize>, Vec<f32>)> {
        let file = SafeTensors::deserialize(&self.bytes).ok()?;
        let tensor = file.tensor(name).ok()?;
        let data = tensor.data();
        let (elements, _) = data.as_chunks::<4>();
        let elements = elements.iter().copied().map(f32::from_le_bytes);
        Some((tensor.shape().to_vec(), elements.collect()))
    }
}
