//! What several kernel families compute alike.
//!
//! Everything here works on vectors of four `f32`. The functions on memory take pointers: a kernel has
//! checked its tensors' sizes once and walks through them without checking each access again.

#![cfg_attr(target_arch = "wasm32", no_std)]

mod access;
pub mod exp;
pub mod integers;
mod map;
mod number;
mod sum;
pub mod wide;

pub use access::{Access, Careful, Usual};
pub use map::{map, widen};
pub use number::{Doubt, Number};
pub use sum::sum;
