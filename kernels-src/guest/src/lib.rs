//! What every kernel module needs inside the sandbox.
//!
//! A module's entry point is given the offset of a descriptor in its own memory. [`run`] reads it;
//! [`Call`] hands out pointers to the regions only after their sizes were checked against the
//! shapes; [`simd`] holds the few vector operations that all kernels share. A kernel looks like
//! this:
//!
//! ```ignore
//! #[unsafe(no_mangle)]
//! pub extern "C" fn negate_forward(descriptor: u32) -> i32 {
//!     guest::run(descriptor, |call| {
//!         let params = call.params::<4>()?;
//!         let count = elements(&[params.u32(0)]);
//!         let x = call.input_a::<f32>(count)?;
//!         let y = call.output::<f32>(count)?;
//!         // ... at most `count` elements of x and y ...
//!         Ok(())
//!     })
//! }
//! ```

#![no_std]

mod call;
mod panic;
mod params;
pub mod simd;

pub use call::{Call, elements, run};
pub use kpack_abi::{ParamCursor, Status};
pub use params::Params;
