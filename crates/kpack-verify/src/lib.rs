//! Bytes in, proof out: that a kernel pack is exactly what a trusted key signed.
//!
//! A [`VerifiedPack`] is made by [`Trust::verify`] and by nothing else; the bytes that were hashed are
//! the bytes it hands on. There is no unsigned mode: tests and local development sign with a
//! throw-away key, as here.
//!
//! ```
//! use kpack_schema::HostPolicy;
//! use kpack_verify::{PackBytes, PackParts, SigningKey, Trust, sha256, sign_pack};
//!
//! let key = SigningKey::generate()?;
//! let wasm = b"\0asm\x01\0\0\0".to_vec();
//! let manifest = format!(r#"{{
//!     "version": "1.0.0", "name": "example", "description": "",
//!     "min_runtime_version": "1.0.0", "max_runtime_version": "1.0.0",
//!     "created_at": "2026-01-31T12:00:00Z",
//!     "author": {{"name": "A", "email": "a@example.org", "signing_key": "{}"}},
//!     "kernels": [{{
//!         "id": "copy", "name": "Copy", "category": "custom",
//!         "path": "copy.wasm", "hash": "{}", "entry_point": "copy",
//!         "inputs": [{{"name": "x", "dtype": "f32", "shape": ["n"]}}],
//!         "outputs": [{{"name": "y", "dtype": "f32", "shape": ["n"]}}],
//!         "resource_limits": {{
//!             "max_memory_pages": 2, "max_epoch_ticks": 1, "max_table_elements": 0
//!         }}
//!     }}]
//! }}"#, key.public_key(), sha256(&wasm));
//! let mut parts = PackParts {
//!     manifest: manifest.into_bytes(),
//!     signature: None,
//!     files: [("copy.wasm".parse()?, wasm)].into(),
//! };
//!
//! let unsigned = PackBytes::new(parts.clone())?;
//! parts.signature = Some(sign_pack(&unsigned, &HostPolicy::default(), &key)?.to_json().into());
//!
//! let trust = Trust::from_json(&format!(
//!     r#"{{"kpack_trust": 1, "keys": [{{"key": "{}"}}]}}"#, key.public_key()
//! ))?;
//! let now = std::time::SystemTime::now().try_into()?;
//! let pack = trust.verify(PackBytes::new(parts)?, now)?;
//! assert_eq!(pack.signers(), [key.id()]);
//! assert_eq!(pack.kernel("copy").map(|kernel| kernel.module().bytes().len()), Some(8));
//!
//! let error = trust.verify(unsigned, now).unwrap_err();
//! assert_eq!(error.kind(), "missing_signature");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! No file is opened here and no clock is read: bytes and the time are arguments.

#![forbid(unsafe_code)]

mod archive;
mod author;
mod ed25519;
mod files;
mod key_id;
mod lower_hex;
mod manifest;
mod native_code;
mod pack_bytes;
mod pem;
mod release;
mod sha256;
mod sign;
mod signature_file;
mod signing_key;
mod state;
mod text;
mod trust;
mod verified;
mod verify;

pub use archive::{ArchiveError, UnarchivableError};
pub use author::AuthorError;
pub use ed25519::{Signature, SignatureTextError, VerifyingKey, WeakKeyError};
pub use files::FilesError;
pub use key_id::{KeyId, KeyIdError};
pub use manifest::ManifestError;
pub use native_code::{CacheKey, CodeOrigin, ProvenCode, RandomnessError};
pub use pack_bytes::{
    MANIFEST_FILE, PackBytes, PackBytesError, PackLimits, PackParts, SIGNATURE_FILE,
};
pub use release::check_release;
pub use sha256::sha256;
pub use sign::{SignError, sign_pack};
pub use signature_file::{MAX_SIGNATURES, SignatureEntry, SignatureFile, SignatureFileError};
pub use signing_key::{SigningKey, SigningKeyError};
pub use state::{
    AcceptedPack, Admission, Floor, FloorError, Floors, HostState, HostStateError, MAX_STATE_BYTES,
};
pub use trust::{
    MAX_ROOT_THRESHOLD, PinnedTrust, ProvenTrust, Roots, Trust, TrustAt, TrustDraft, TrustEntry,
    TrustError, TrustFile, TrustOrigin, TrustProofError, WhichRoots,
};
pub use verified::{VerifiedKernel, VerifiedModule, VerifiedPack, VerifiedVector};
pub use verify::{Step, VerifyError};
