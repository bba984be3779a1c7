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
//! # What is declared
//!
//! - `id`, `name` and `category`: as in the manifest. The function's name is the entry point.
//! - `inputs` and `outputs`: each a name, a data type and a shape. A dimension is a number, a symbol, or a
//!   symbol divided by or multiplied with a number: `f32[rows, 2, dim/2]`. `scratch(f32[rows, 4])` is there for
//!   as long as the kernel runs.
//! - `params`: a type, then `= default` unless the caller must give the value, then the range it is
//!   checked against: `eps: f32 = 1e-5 in 0.0..=1.0`, or `theta: f32 in 1.0..`. A doc comment is the
//!   parameter's description. An integer parameter may bind a symbol that no input binds.
//! - `limits`: of `memory_pages` (1024 if left out), `epoch_ticks` (1000), `table_elements` (0), `stack_bytes` and
//!   `globals`.
//! - `parallel_dims`: the symbols along which rows are independent.
//!
//! # What the function takes
//!
//! Whatever it names, in any order: inputs as `&[T]`, outputs and `scratch` as `&mut [T]`, symbols as `usize`,
//! parameters as their own type. The lengths of the slices follow from the shapes. What no manifest can say,
//! such as that one dimension is a multiple of another, the function checks, and returns [`Status`].
//!
//! A mistake in the declaration does not compile: a symbol that nothing binds, a name that stands for two
//! things, an argument that is not declared, a default out of its range or not of its type. What else a
//! host refuses, such as a name in capitals, the build of the pack finds.
//!
//! ```compile_fail
//! # use kpack_guest::kernel;
//! # fn main() {}
//! #[kernel(id = "a", name = "A", category = custom, inputs(x: f32[n]), outputs(y: f32[m]))]
//! fn a_forward(x: &[f32], y: &mut [f32]) {}
//! ```
//!
//! ```compile_fail
//! # use kpack_guest::kernel;
//! # fn main() {}
//! #[kernel(id = "a", name = "A", category = custom, inputs(x: f32[n]), outputs(x: f32[n]))]
//! fn a_forward(x: &[f32]) {}
//! ```
//!
//! ```compile_fail
//! # use kpack_guest::kernel;
//! # fn main() {}
//! #[kernel(id = "a", name = "A", category = custom, inputs(x: f32[n]), outputs(y: f32[n]))]
//! fn a_forward(x: &[f32], y: &mut [f32], eps: f32) {}
//! ```
//!
//! ```compile_fail,E0080
//! # use kpack_guest::kernel;
//! # fn main() {}
//! #[kernel(
//!     id = "a", name = "A", category = custom, inputs(x: f32[n]), outputs(y: f32[n]),
//!     params(eps: f32 = 5.0 in 0.0..=1.0),
//! )]
//! fn a_forward(x: &[f32], y: &mut [f32], eps: f32) {}
//! ```
//!
//! ```compile_fail,E0600
//! # use kpack_guest::kernel;
//! # fn main() {}
//! #[kernel(
//!     id = "a", name = "A", category = custom, inputs(x: f32[n]), outputs(y: f32[n]),
//!     params(count: u32 = -1),
//! )]
//! fn a_forward(x: &[f32], y: &mut [f32], count: u32) {}
//! ```
//!
//! The types of the arguments are the compiler's to check:
//!
//! ```compile_fail
//! # use kpack_guest::kernel;
//! # fn main() {}
//! #[kernel(id = "a", name = "A", category = custom, inputs(x: f16[n]), outputs(y: f32[n]))]
//! fn a_forward(x: &[f32], y: &mut [f32]) {}
//! ```
//!
//! # From the declaration to the manifest
//!
//! The entry travels as JSON in a custom section of the module, `kpack.kernels`. The build reads it there, adds
//! where the module and its variants stand, and takes the section out. Variants are named beside the
//! code, in Cargo.toml, the one to be preferred first:
//!
//! ```toml
//! [package.metadata.kpack]
//! variants = [["relaxed-simd"], ["simd"]]
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
