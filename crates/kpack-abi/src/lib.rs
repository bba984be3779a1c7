//! What both sides of the sandbox share: the [`KernelDescriptor`] that a kernel's entry point is
//! given, the [`Status`] it returns, and the layout rules for regions and parameters.
//!
//! A kernel module exports [`MEMORY_EXPORT`] and an entry point `(i32) -> i32`. The argument is the
//! offset of a descriptor in that memory; the result is a status code.
//!
//! ```
//! use kpack_abi::{KernelDescriptor, Status};
//!
//! let descriptor = KernelDescriptor { output_offset: 128, output_size: 64, ..KernelDescriptor::new() };
//! assert_eq!(descriptor.total_memory_required(), 192);
//! assert_eq!(KernelDescriptor::from_bytes(&descriptor.to_bytes()), descriptor);
//! assert_eq!(Status::from_code(3), Some(Status::InvalidParams));
//! ```

#![no_std]
#![forbid(unsafe_code)]

mod descriptor;
mod layout;
mod status;

pub use descriptor::{DESCRIPTOR_SIZE, KernelDescriptor};
pub use layout::{PAGE_SIZE, ParamCursor, REGION_ALIGN, align_up};
pub use status::Status;

/// The version of this interface that a manifest's `abi` field names.
pub const ABI_VERSION: u32 = 1;

/// The name under which every kernel module exports its linear memory.
pub const MEMORY_EXPORT: &str = "memory";
