//! The reference kernels, built, signed and embedded: `rope_f32`, `rope_freqs_f32`, `rmsnorm_f32` and
//! `swiglu_f32`.
//!
//! The pack is signed with a key whose private half was never written down, and comes with the trust
//! file that accepts that key alone. `cargo xtask reference-pack` builds both from `kernels-src`.
//!
//! ```
//! # #[cfg(feature = "wasmtime")] {
//! use kpack::{Runtime, Wasmtime, reference_pack};
//!
//! let runtime = Runtime::builder(Wasmtime::new()?).references(reference_pack::references()).build();
//! let pack = reference_pack::load(&runtime)?;
//! assert!(pack.kernel("rmsnorm_f32").is_ok());
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use kpack_schema::{HostPolicy, PackPath};
use kpack_verify::{PackBytes, PackParts, Trust};

use crate::{LoadError, Pack, References, Runtime, clock};

use self::natives::NATIVES;

mod natives;

macro_rules! file {
    ($path:expr) => {
        include_bytes!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/reference-pack/",
            $path
        ))
        .as_slice()
    };
}

macro_rules! embedded {
    ($($path:literal),+ $(,)?) => {
        &[$(($path, file!(concat!("llama-core/", $path)))),+]
    };
}

const FILES: &[(&str, &[u8])] = include!("reference_pack/files.rs");

/// The pack's bytes, unverified as any other pack's.
///
/// # Panics
///
/// Never: a test reads the embedded pack.
#[must_use]
pub fn bytes() -> PackBytes {
    let file = |&(path, bytes): &(&str, &[u8])| {
        let path: PackPath = path.parse().expect("the embedded paths are safe");
        (path, bytes.to_vec())
    };
    PackBytes::new(PackParts {
        manifest: file!("llama-core/kernels.json").to_vec(),
        signature: Some(file!("llama-core/kernels.json.sig").to_vec()),
        files: FILES.iter().map(file).collect(),
    })
    .expect("the embedded pack is within the limits")
}

/// The trust file that accepts the embedded pack and nothing else.
///
/// # Panics
///
/// Never: a test reads the embedded trust file.
#[must_use]
pub fn trust() -> Trust {
    Trust::from_json(include_str!("../reference-pack/trust.json"))
        .expect("the embedded trust file is well-formed")
}

/// The native loops of `kpack-reference` under the ids that the pack names as fallbacks,
/// `rmsnorm_reference`, `rope_reference`, `rope_freqs_reference` and `swiglu_reference`, and under the
/// same ids behind `builtin:`.
///
/// # Panics
///
/// Never: the ids are well-formed.
#[must_use]
pub fn references() -> References {
    let ids = "the ids are well-formed";
    let mut references = References::new();
    for &(id, native) in NATIVES {
        references = references.with(id, native).expect(ids);
        references = references
            .with(&format!("builtin:{id}"), native)
            .expect(ids);
    }
    references
}

/// The default policy of a host that serves [`references`], as the pack's fallbacks ask for.
#[must_use]
pub fn host_policy() -> HostPolicy {
    references().host_policy()
}

/// Verifies and compiles the embedded pack, as of now.
///
/// The runtime must serve or name the pack's fallbacks, as with [`references`].
///
/// # Errors
///
/// As [`Runtime::load_bytes`], and when the system's clock is no use.
pub fn load(runtime: &Runtime) -> Result<Pack, LoadError> {
    runtime.load_bytes(bytes(), &trust(), clock::now()?)
}
