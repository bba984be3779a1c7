//! Kernel packs as pure data: no I/O, no cryptography, no engine.
//!
//! A pack's `kernels.json` is read into a [`KernelManifest`], which says no more than that the
//! document has the right shape. [`KernelManifest::check`] judges what it means and gives a
//! [`CheckedManifest`]; its kernels' [`Signature`]s bind shapes and parameters to a [`Binding`],
//! which knows every length and the parameter block of a call.
//!
//! ```
//! use kpack_schema::{HostPolicy, KernelManifest};
//!
//! let manifest = KernelManifest::from_json(include_str!("../tests/manifests/good.json"))?;
//! assert_eq!(manifest.kernel_ids(), ["rmsnorm_f32"]);
//!
//! let checked = manifest.check(&HostPolicy::default())?;
//! let signature = checked.kernel("rmsnorm_f32").expect("listed above").signature();
//! let binding = signature.bind_dims(&[("rows", 3), ("hidden", 64)], &[("eps", 1e-6.into())])?;
//! assert_eq!(binding.outputs()[0].shape, [3, 64]);
//! assert_eq!(binding.outputs()[0].byte_len, 768);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod bind_error;
mod binding;
mod check;
mod checked;
mod declared_file;
mod digest;
mod dim;
mod feature;
pub mod json;
mod kernel;
mod key;
mod limits;
mod manifest;
mod names;
mod param;
mod path;
mod policy;
mod signature;
mod tensor;
pub mod text;
mod time;

pub use bind_error::BindError;
pub use binding::{Binding, BoundTensor};
pub use check::{ManifestProblems, Problem, ProblemKind};
pub use checked::{CheckedKernel, CheckedManifest, FallbackTarget, Platform, Variant, Vector};
pub use declared_file::{CheckedFile, DeclaredFile, FilePlace};
pub use digest::{Digest, DigestError};
pub use dim::{Dim, DimError, DimValueError, MAX_DIMENSION};
pub use feature::{Feature, FeatureError, FeatureSet};
pub use kernel::{
    BenchmarkResult, KernelCategory, KernelInfo, KernelVariant, KernelVector, PlatformConfig,
    Tolerance, ToleranceMode,
};
pub use key::{PublicKey, PublicKeyError};
pub use kpack_abi::{
    ABI_VERSION, DESCRIPTOR_SIZE, KernelDescriptor, MEMORY_EXPORT, PAGE_SIZE, ParamCursor,
    REGION_ALIGN, Status, align_up,
};
pub use limits::{DEFAULT_MAX_GLOBALS, DEFAULT_STACK_BYTES, Limits, ResourceLimits};
pub use manifest::{AuthorInfo, KernelManifest, MAX_MANIFEST_BYTES, ToJsonError};
pub use names::{Identifier, KernelId, NameError, PackName};
pub use param::{KernelParam, ParamType, ParamValue, ParamValueError};
pub use path::{MAX_PATH_BYTES, PackPath, PathError};
pub use policy::{HostPolicy, LimitPolicy};
pub use signature::{ParamDecl, Signature, Symbol, SymbolSource, TensorDecl};
pub use tensor::{
    BLOCK_ELEMENTS, ByteLenError, DataType, ScratchSpec, ShapeDim, TensorSpec, tensor_byte_len,
};
pub use time::{Timestamp, TimestampError};

/// The version of the runtime that a manifest's version window is held against.
pub const RUNTIME_VERSION: &str = "1.0.0";
