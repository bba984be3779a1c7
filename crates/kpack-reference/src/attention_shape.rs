/// The shape of an attention: `q` and `y` are [q_seq, heads, dim], `k` and `v` [kv_seq, kv_heads,
/// dim]. Neighbouring heads share the keys and values of a head of theirs: `heads / kv_heads` each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttentionShape {
    /// Queries.
    pub q_seq: usize,
    /// Keys, and as many values.
    pub kv_seq: usize,
    /// Heads of a query: a multiple of `kv_heads`.
    pub heads: usize,
    /// Heads of a key and of a value.
    pub kv_heads: usize,
    /// Elements of a head.
    pub dim: usize,
}

/// Which keys a query sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mask {
    /// Those up to its own position, where the last query stands at the last key: query i sees keys 0
    /// to `kv_seq - q_seq + i`. Parameter `causal` = true.
    #[default]
    Causal,
    /// All: parameter `causal` = false.
    None,
}

impl AttentionShape {
    /// Elements of `q` and of `y`.
    #[must_use]
    pub const fn query_elements(&self) -> usize {
        self.q_seq * self.heads * self.dim
    }

    /// Elements of `k` and of `v`.
    #[must_use]
    pub const fn key_elements(&self) -> usize {
        self.kv_seq * self.kv_heads * self.dim
    }

    pub(crate) fn assert_fits<T>(&self, mask: Mask, q: &[T], k: &[f32], v: &[f32]) {
        assert!(
            self.kv_heads > 0 && self.heads.is_multiple_of(self.kv_heads),
            "heads must be a multiple of kv_heads"
        );
        assert!(
            mask == Mask::None || self.kv_seq >= self.q_seq,
            "a causal attention needs a key for each query"
        );
        assert_eq!(
            q.len(),
            self.query_elements(),
            "q must be [q_seq, heads, dim]"
        );
        assert_eq!(
            k.len(),
            self.key_elements(),
            "k must be [kv_seq, kv_heads, dim]"
        );
        assert_eq!(
            v.len(),
            self.key_elements(),
            "v must be [kv_seq, kv_heads, dim]"
        );
    }

    /// Where the query of a head starts in `q`, and its result in `y`.
    pub(crate) const fn query_at(&self, query: usize, head: usize) -> usize {
        (query * self.heads + head) * self.dim
    }

    /// Where the key that a head of the queries looks at starts in `k`, and its value in `v`.
    pub(crate) const fn key_at(&self, key: usize, head: usize) -> usize {
        (key * self.kv_heads + head / (self.heads / self.kv_heads)) * self.dim
    }

    /// How many keys a query sees; they are the first ones.
    pub(crate) const fn keys_seen(&self, mask: Mask, query: usize) -> usize {
        match mask {
            Mask::Causal => self.kv_seq - self.q_seq + query + 1,
            Mask::None => self.kv_seq,
        }
    }
}
