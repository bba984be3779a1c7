use kpack_schema::{Digest, KernelId, PackName, PackPath, Timestamp};

use super::Step;
use crate::KeyId;
use crate::author::AuthorError;
use crate::files::FilesError;
use crate::manifest::ManifestError;
use crate::signature_file::SignatureFileError;
use crate::trust::NotAllowed;

/// Why a pack is not trusted. The fault is the pack's, or lies in what its operator decided; never
/// the caller's.
///
/// Of the signatures it says no more than an operator needs: whether the signer is unknown
/// (`untrusted_key`: ask whose pack it is), out of service (`key_revoked`, `key_expired`,
/// `key_not_yet_valid`: ask for a new release), or known while the bytes are not what was signed
/// (`bad_signature`: fetch the pack again). Why a signature did not verify is never said.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The trust file's `expires` has come: no pack is taken by it any more.
    #[error("the trust file has expired: `{expires}`")]
    TrustExpired {
        /// From when on nothing is taken.
        expires: Timestamp,
    },
    /// There is no `kernels.json.sig`.
    #[error("the pack has no signature file")]
    MissingSignature,
    /// `kernels.json.sig` is not a signature file.
    #[error(transparent)]
    SignatureFile(#[from] SignatureFileError),
    /// The operator revoked this very manifest.
    #[error("the manifest is revoked: `{digest}`")]
    ManifestRevoked {
        /// The digest of `kernels.json`.
        digest: Digest,
    },
    /// No entry is of a key that the trust file lists.
    #[error("no signature of the pack is of a trusted key; the first is of: `{key_id}`")]
    UntrustedKey {
        /// The first key id of the signature file.
        key_id: KeyId,
    },
    /// The signature of a trusted key does not belong to this manifest, and no other one does.
    #[error("the signature does not match the manifest, for key: `{key_id}`")]
    BadSignature {
        /// The trusted key.
        key_id: KeyId,
    },
    /// Every known signer is out of service; this one is revoked.
    #[error("the key that signed the pack is revoked: `{key_id}`")]
    KeyRevoked {
        /// The revoked key.
        key_id: KeyId,
    },
    /// Every known signer is out of service; this one's `not_before` lies ahead.
    #[error("the key that signed the pack is not valid yet: `{key_id}`")]
    KeyNotYetValid {
        /// The key.
        key_id: KeyId,
    },
    /// Every known signer is out of service; this one's `not_after` has come.
    #[error("the key that signed the pack is no longer valid: `{key_id}`")]
    KeyExpired {
        /// The key.
        key_id: KeyId,
    },
    /// Some trusted keys signed, but fewer than the operator demands.
    #[error("the pack needs valid signatures by {needed} trusted keys and has: `{found}`")]
    ThresholdNotMet {
        /// The number of distinct trusted keys with a valid signature.
        found: usize,
        /// The threshold.
        needed: usize,
    },
    /// The manifest is signed, but is not one that this host takes.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Too few of the keys that signed are trusted for a pack of this name.
    #[error(
        "the pack needs signatures by {needed} keys trusted for its name and has {found}: `{pack}`"
    )]
    OutOfScope {
        /// The pack's name.
        pack: PackName,
        /// The number of keys that signed and whose `packs` match the name.
        found: usize,
        /// The threshold.
        needed: usize,
    },
    /// The author's own key does not stand behind the manifest.
    #[error(transparent)]
    Author(#[from] AuthorError),
    /// The manifest's `expires` has come.
    #[error("the pack has expired: `{expires}`")]
    Expired {
        /// From when on the pack is refused.
        expires: Timestamp,
    },
    /// The operator's allow list does not name the pack.
    #[error("the allow list does not name the pack: `{pack}`")]
    PackNotAllowed {
        /// The pack's name.
        pack: PackName,
    },
    /// The operator's allow list does not name the kernel.
    #[error("the allow list does not name the kernel: `{kernel}`")]
    KernelNotAllowed {
        /// The kernel's id.
        kernel: KernelId,
    },
    /// The operator's allow list does not hold the digest of a module.
    #[error("the allow list does not hold the digest of {path} for kernel: `{kernel}`")]
    DigestNotAllowed {
        /// The kernel's id.
        kernel: KernelId,
        /// The module or variant.
        path: PackPath,
        /// Its digest.
        digest: Digest,
    },
    /// The files are not the declared ones.
    #[error(transparent)]
    Files(#[from] FilesError),
}

impl VerifyError {
    /// A stable name for this kind of error, for machines.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::TrustExpired { .. } => "trust_expired",
            Self::MissingSignature => "missing_signature",
            Self::SignatureFile(_) => "malformed_signature",
            Self::ManifestRevoked { .. } => "manifest_revoked",
            Self::UntrustedKey { .. } => "untrusted_key",
            Self::BadSignature { .. } => "bad_signature",
            Self::KeyRevoked { .. } => "key_revoked",
            Self::KeyNotYetValid { .. } => "key_not_yet_valid",
            Self::KeyExpired { .. } => "key_expired",
            Self::ThresholdNotMet { .. } => "threshold_not_met",
            Self::Manifest(error) => error.kind(),
            Self::OutOfScope { .. } => "out_of_scope",
            Self::Author(error) => error.kind(),
            Self::Expired { .. } => "expired",
            Self::PackNotAllowed { .. } => "pack_not_allowed",
            Self::KernelNotAllowed { .. } => "kernel_not_allowed",
            Self::DigestNotAllowed { .. } => "digest_not_allowed",
            Self::Files(error) => error.kind(),
        }
    }

    /// The step that was not passed.
    #[must_use]
    pub const fn step(&self) -> Step {
        match self {
            Self::TrustExpired { .. } => Step::Trust,
            Self::ManifestRevoked { .. } => Step::Revocation,
            Self::MissingSignature
            | Self::SignatureFile(_)
            | Self::UntrustedKey { .. }
            | Self::BadSignature { .. }
            | Self::KeyRevoked { .. }
            | Self::KeyNotYetValid { .. }
            | Self::KeyExpired { .. }
            | Self::ThresholdNotMet { .. } => Step::Signatures,
            Self::Manifest(_) => Step::Manifest,
            Self::OutOfScope { .. } => Step::Scope,
            Self::Author(_) => Step::Author,
            Self::Expired { .. } => Step::Expiry,
            Self::PackNotAllowed { .. }
            | Self::KernelNotAllowed { .. }
            | Self::DigestNotAllowed { .. } => Step::Allow,
            Self::Files(_) => Step::Digests,
        }
    }

    /// The declared file that is not there, if that is what went wrong: the pack is then incomplete
    /// rather than refused.
    #[must_use]
    pub const fn missing_file(&self) -> Option<&PackPath> {
        match self {
            Self::Files(error) => error.missing_file(),
            _ => None,
        }
    }
}

impl From<NotAllowed> for VerifyError {
    fn from(refused: NotAllowed) -> Self {
        match refused {
            NotAllowed::Pack(pack) => Self::PackNotAllowed { pack },
            NotAllowed::Kernel(kernel) => Self::KernelNotAllowed { kernel },
            NotAllowed::Digest {
                kernel,
                path,
                digest,
            } => Self::DigestNotAllowed {
                kernel,
                path,
                digest,
            },
        }
    }
}
