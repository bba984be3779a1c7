//! What a kernel of a kpack pack imports.
//!
//! A kernel is a function on slices and numbers. The [`kernel`] attribute declares it once: from the
//! declaration come the exported entry point, the checks of every call, and the kernel's entry of the
//! manifest.
//!
//! ```
//! use kpack_guest::kernel;
//!
//! #[kernel(
//!     id = "scale_f32",
//!     name = "Scaling by a factor",
//!     category = custom,
//!     inputs(x: f32[rows, width]),
//!     outputs(y: f32[rows, width]),
//!     params(
//!         /// What every element is multiplied with.
//!         factor: f32 = 1.0,
//!     ),
//!     parallel_dims(rows),
//! )]
//! fn scale_forward(x: &[f32], y: &mut [f32], factor: f32) {
//!     for (y, x) in y.iter_mut().zip(x) {
//!         *y = x * factor;
//!     }
//! }
//!
//! # fn main() {
//! // On the machine that builds it, a kernel is an ordinary function, and is tested as one.
//! let mut y = [0.0; 3];
//! scale_forward(&[1.0, 2.0, 3.0], &mut y, 2.0);
//! assert_eq!(y, [2.0, 4.0, 6.0]);
//! assert!(scale_forward::MANIFEST_ENTRY.contains(r#""id":"scale_f32""#));
//! # }
//! ```
//!
//! [`simd`] has the vector operations that kernels share: one source gives a scalar module, one with
//! SIMD and one with relaxed SIMD. [`F16`], [`Bf16`], [`Q8Block`] and [`Q4Block`] are the elements that
//! Rust has no type for.
//!
//! Inside the sandbox this crate also is the panic handler: a panic is a trap.

#![cfg_attr(not(test), no_std)]

mod call;
mod element;
mod half;
mod outcome;
#[cfg(all(target_arch = "wasm32", not(test)))]
mod panic;
mod params;
pub mod simd;

#[cfg(target_arch = "wasm32")]
pub use call::run;
pub use call::{
    Call, Inputs, Memory, Output, Region, Regions, Role, Scratch, blocks, divided, elements,
};
pub use element::{Element, Q4Block, Q8Block};
pub use half::{Bf16, F16};
pub use kpack_abi::{KernelDescriptor, ParamCursor, Status};
pub use kpack_guest_macros::kernel;
pub use outcome::Outcome;
pub use params::Params;
