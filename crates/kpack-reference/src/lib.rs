//! The reference kernels in plain Rust, twice.
//!
//! [`oracle`] has each formula in `f64`, written to be read: the truth that tests compare with.
//! [`native`] has the `f32` loops that a Rust programmer writes without thinking about registers:
//! what a host falls back on when a sandboxed kernel fails, and what its speed is compared with.
//!
//! A kernel of half-precision numbers is the same function as its `f32` one: [`Element`] says what is
//! read and where it is rounded.
//!
//! Tensors are row-major slices. The shape of a call is in one small struct, or follows from the
//! slices' lengths; a slice of another length is a mistake of the caller and panics.
//!
//! ```
//! let x = [3.0, 4.0];
//! let weight = [1.0, 1.0];
//! let mut y = [0.0; 2];
//! kpack_reference::native::rmsnorm(&x, &weight, 0.0, 0.0, &mut y);
//!
//! let exact = kpack_reference::oracle::rmsnorm(&x, &weight, 0.0, 0.0);
//! assert!((f64::from(y[1]) - exact[1]).abs() < 1e-6);
//! ```

#![forbid(unsafe_code)]

mod attention_shape;
mod element;
mod gelu_form;
mod lora_shape;
pub mod native;
pub mod oracle;
mod rope_shape;

pub use attention_shape::{AttentionShape, Mask};
pub use element::Element;
pub use gelu_form::GeluForm;
pub use lora_shape::LoraShape;
pub use rope_shape::{PairLayout, RopeShape};
