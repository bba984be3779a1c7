//! The same calls by hand, with the widest vectors that the processor has: what no kernel will beat
//! by much.
//!
//! The loops are written once over `Lanes`; AVX-512 on x86-64 and NEON on aarch64 are
//! its two implementations. Results go to slices of the caller's.
#![allow(
    unsafe_code,
    reason = "vector instructions that the processor may lack; each block says why it has them"
)]
#![cfg_attr(
    not(any(target_arch = "x86_64", target_arch = "aarch64")),
    allow(dead_code, reason = "without vectors nobody runs the loops")
)]

use kpack_reference::{PairLayout, RopeShape};

pub use self::call::CeilingCall;
use self::lanes::Op;

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod absent;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod call;
mod lanes;
#[cfg(target_arch = "aarch64")]
mod neon;
mod rmsnorm;
mod rope;
mod swiglu;
mod traffic;

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
use self::absent::Absent as Best;
#[cfg(target_arch = "x86_64")]
use self::avx512::Avx512 as Best;
#[cfg(target_arch = "aarch64")]
use self::neon::Neon as Best;

/// The loops, where the processor can run them.
#[derive(Debug, Clone, Copy)]
pub struct Ceiling(Best);

impl Ceiling {
    /// Looks at the processor; `None` where it has neither AVX-512 nor NEON.
    #[must_use]
    pub fn detect() -> Option<Self> {
        Best::detect().map(Self)
    }

    /// Root mean square normalisation, as [`kpack_reference::native::rmsnorm`] has it with a weight
    /// offset of 0.
    ///
    /// # Panics
    ///
    /// If `x` is not a whole number of rows, or `y` differs from it in length.
    pub fn rmsnorm(self, x: &[f32], weight: &[f32], eps: f32, y: &mut [f32]) {
        assert!(!weight.is_empty(), "a row has elements");
        assert!(
            x.len().is_multiple_of(weight.len()),
            "x must be [rows, hidden]"
        );
        assert_eq!(x.len(), y.len(), "y must have the shape of x");
        self.run(rmsnorm::RmsNorm { x, weight, eps, y });
    }

    /// Rotary position embedding, as [`kpack_reference::native::rope`] has it.
    ///
    /// # Panics
    ///
    /// If `x`, `freqs` or `y` does not have the elements that `shape` says, or `2 * half` exceeds
    /// `dim`.
    pub fn rope(
        self,
        shape: RopeShape,
        layout: PairLayout,
        x: &[f32],
        freqs: &[f32],
        y: &mut [f32],
    ) {
        assert!(2 * shape.half <= shape.dim, "2 * half must be at most dim");
        assert_eq!(
            x.len(),
            shape.elements(),
            "x must be [batch, seq, heads, dim]"
        );
        assert_eq!(
            freqs.len(),
            shape.table_elements(),
            "freqs must be [seq, 2, half]"
        );
        assert_eq!(x.len(), y.len(), "y must have the shape of x");
        self.run(rope::Rope {
            shape,
            layout,
            x,
            freqs,
            y,
        });
    }

    /// SwiGLU, as [`kpack_reference::native::swiglu`] has it; within 3e-7 of the true value.
    ///
    /// # Panics
    ///
    /// If the three slices differ in length.
    pub fn swiglu(self, gate: &[f32], up: &[f32], y: &mut [f32]) {
        assert_eq!(gate.len(), up.len(), "gate and up must have the same shape");
        assert_eq!(gate.len(), y.len(), "y must have the shape of gate");
        self.run(swiglu::SwiGlu { gate, up, y });
    }

    /// Reads both inputs and writes the output, as every operator here must: the memory's limit.
    ///
    /// # Panics
    ///
    /// If the first input and the output differ in length.
    pub fn traffic(self, inputs: [&[f32]; 2], y: &mut [f32]) {
        assert_eq!(
            inputs[0].len(),
            y.len(),
            "y must have the shape of the first input"
        );
        self.run(traffic::Traffic { inputs, y });
    }

    fn run(self, op: impl Op) {
        self.0.run(op);
    }
}
