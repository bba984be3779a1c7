/// Which two elements of a head are turned together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PairLayout {
    /// Elements i and i + half (Llama, GPT-NeoX): parameter `interleaved` = false.
    #[default]
    Half,
    /// Elements 2i and 2i + 1 (GPT-J, Cohere): parameter `interleaved` = true.
    Interleaved,
}

/// The shape of a rotary position embedding: `x` and `y` are [batch, seq, heads, dim], `freqs` is
/// [seq, 2, half], for each position a row of cosines and a row of sines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RopeShape {
    /// Sequences; they share the positions' angles.
    pub batch: usize,
    /// Positions in each sequence.
    pub seq: usize,
    /// Heads at each position.
    pub heads: usize,
    /// Elements of a head.
    pub dim: usize,
    /// Pairs that are turned in each head; elements from `2 * half` on pass through.
    pub half: usize,
}

impl RopeShape {
    /// Elements of `x` and of `y`.
    #[must_use]
    pub const fn elements(&self) -> usize {
        self.batch * self.seq * self.heads * self.dim
    }

    /// Elements of `freqs`.
    #[must_use]
    pub const fn table_elements(&self) -> usize {
        self.seq * 2 * self.half
    }

    pub(crate) fn assert_fits<T>(&self, x: &[T], freqs: &[f32]) {
        assert!(2 * self.half <= self.dim, "2 * half must be at most dim");
        assert_eq!(
            x.len(),
            self.elements(),
            "x must be [batch, seq, heads, dim]"
        );
        assert_eq!(
            freqs.len(),
            self.table_elements(),
            "freqs must be [seq, 2, half]"
        );
    }

    /// The cosines and the sines for each head of `x`, in the order of the heads in memory.
    pub(crate) fn rows_of_heads<'a>(
        &self,
        freqs: &'a [f32],
    ) -> impl Iterator<Item = (&'a [f32], &'a [f32])> {
        let (seq, heads, half) = (self.seq, self.heads, self.half);
        (0..self.batch * seq * heads).map(move |head| {
            let position = head / heads % seq;
            freqs[position * 2 * half..][..2 * half].split_at(half)
        })
    }
}

impl PairLayout {
    /// Where the two elements of pair `i` stand in a head of `half` pairs.
    pub(crate) const fn places(self, i: usize, half: usize) -> (usize, usize) {
        match self {
            Self::Half => (i, half + i),
            Self::Interleaved => (2 * i, 2 * i + 1),
        }
    }
}
