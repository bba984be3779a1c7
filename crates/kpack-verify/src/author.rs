use kpack_schema::CheckedManifest;

use crate::ed25519::{SignedMessage, Signer, VerifyingKey, WeakKeyError};
use crate::{KeyId, SignatureFile};

/// Why a pack's own `author.signing_key` does not stand behind it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorError {
    /// The key must never be trusted, whoever holds it.
    #[error("the manifest's signing_key is not a safe key")]
    WeakKey(#[source] WeakKeyError),
    /// There is no signature of the key, or it does not verify.
    #[error("the manifest has no valid signature by its own signing_key: `{key_id}`")]
    NotSigned {
        /// The id of the manifest's `author.signing_key`.
        key_id: KeyId,
    },
}

impl AuthorError {
    /// A stable name for this kind of error, for machines.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::WeakKey(_) => "weak_key",
            Self::NotSigned { .. } => "author_signature",
        }
    }
}

/// The author's own signature: `author.signing_key` is self-asserted and proves nothing about trust,
/// but a pack whose author cannot be shown to have held that key is not taken.
///
/// Whether the trust file lists or revokes the key plays no part here: it only ever counts towards
/// the threshold as every other key does.
pub(crate) fn require_author(
    manifest: &CheckedManifest,
    signatures: &SignatureFile,
    message: &SignedMessage,
) -> Result<Signer, AuthorError> {
    let key = VerifyingKey::try_from(manifest.signing_key()).map_err(AuthorError::WeakKey)?;
    (signatures.signature(key.id()))
        .and_then(|signature| key.verify(message, signature))
        .ok_or(AuthorError::NotSigned { key_id: key.id() })
}
