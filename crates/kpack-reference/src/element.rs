use half::{bf16, f16};

/// The element type of a kernel that computes in `f32`: read exactly, written with one rounding.
pub trait Element: Copy {
    /// The value as `f32`; every element has one.
    fn widen(self) -> f32;

    /// The element nearest to `value`; of two that are as near, the even one.
    fn round(value: f32) -> Self;
}

impl Element for f32 {
    fn widen(self) -> f32 {
        self
    }

    fn round(value: f32) -> Self {
        value
    }
}

impl Element for f16 {
    fn widen(self) -> f32 {
        self.to_f32()
    }

    fn round(value: f32) -> Self {
        Self::from_f32(value)
    }
}

impl Element for bf16 {
    fn widen(self) -> f32 {
        self.to_f32()
    }

    fn round(value: f32) -> Self {
        Self::from_f32(value)
    }
}

/// An element as the oracle reads it.
pub(crate) fn exact(element: impl Element) -> f64 {
    f64::from(element.widen())
}
