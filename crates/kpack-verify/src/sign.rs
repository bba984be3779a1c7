use kpack_schema::{HostPolicy, PackPath};

use crate::author::{AuthorError, require_author};
use crate::ed25519::{Domain, SignedMessage};
use crate::files::{FilesError, match_files};
use crate::manifest::{self, ManifestError};
use crate::signature_file::SignatureFileError;
use crate::{KeyId, PackBytes, SignatureFile, SigningKey};

/// Why a pack was not signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The manifest would be refused.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The files are not the declared ones.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// The signature file that is there already is malformed, or full.
    #[error(transparent)]
    SignatureFile(#[from] SignatureFileError),
    /// `author.signing_key` is another key, which has no valid signature here either; one that must
    /// never be trusted, such as the placeholder of a pack that was just built, never has.
    #[error("the manifest names another signing_key, which has not signed: `{author}`")]
    SigningKeyMismatch {
        /// The id of the manifest's `author.signing_key`.
        author: KeyId,
    },
}

impl SignError {
    /// A stable name for this kind of error, for machines.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Manifest(error) => error.kind(),
            Self::Files(error) => error.kind(),
            Self::SignatureFile(_) => "malformed_signature",
            Self::SigningKeyMismatch { .. } => "signing_key_mismatch",
        }
    }

    /// The declared file that is not there, if that is what went wrong.
    #[must_use]
    pub const fn missing_file(&self) -> Option<&PackPath> {
        match self {
            Self::Files(error) => error.missing_file(),
            _ => None,
        }
    }
}

/// Signs a pack: checks its manifest and compares all its files first, then adds the entry of `key`
/// to the signatures that are there, or replaces it. The caller writes the result as
/// `kernels.json.sig`.
///
/// # Errors
/// [`SignError`]; a pack is signed only if `author.signing_key` is `key` or has a valid entry.
pub fn sign_pack(
    pack: &PackBytes,
    policy: &HostPolicy,
    key: &SigningKey,
) -> Result<SignatureFile, SignError> {
    let manifest = manifest::read(pack.manifest(), policy)?;
    match_files(&manifest, pack)?;
    let message = SignedMessage::new(Domain::Manifest, pack.manifest());
    let entry = key.sign(&message);
    let signatures = match pack.signature() {
        None => SignatureFile::new(entry),
        Some(existing) => {
            let mut signatures = SignatureFile::parse(existing)?;
            signatures.upsert(entry)?;
            signatures
        }
    };
    match require_author(&manifest, &signatures, &message) {
        Ok(_) => Ok(signatures),
        Err(AuthorError::NotSigned { .. } | AuthorError::WeakKey(_)) => {
            Err(SignError::SigningKeyMismatch {
                author: KeyId::of(&manifest.signing_key()),
            })
        }
    }
}
