/// The shape of a low-rank adapter's application: `base` and `y` are [rows, outputs], `x` is [rows,
/// inputs], `lora_a` [rank, inputs], `lora_b` [outputs, rank].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoraShape {
    /// Rows of `x` and of the result.
    pub rows: usize,
    /// Elements of a row of `x`.
    pub inputs: usize,
    /// Elements of a row of the result.
    pub outputs: usize,
    /// Rows of `lora_a`.
    pub rank: usize,
}

impl LoraShape {
    pub(crate) fn assert_fits<T>(&self, base: &[T], x: &[T], lora_a: &[T], lora_b: &[T]) {
        assert_eq!(
            base.len(),
            self.rows * self.outputs,
            "base must be [rows, outputs]"
        );
        assert_eq!(x.len(), self.rows * self.inputs, "x must be [rows, inputs]");
        assert_eq!(
            lora_a.len(),
            self.rank * self.inputs,
            "lora_a must be [rank, inputs]"
        );
        assert_eq!(
            lora_b.len(),
            self.outputs * self.rank,
            "lora_b must be [outputs, rank]"
        );
    }
}
