//! From bytes to proof: the one way to a [`VerifiedPack`].
//!
//! The steps stand in the order in which they may be taken: what costs little and needs no trust
//! first, the signatures before the parser, what needs the manifest after it, the files last.

mod error;
mod signers;
mod step;

use kpack_schema::{CheckedManifest, HostPolicy, Timestamp};

pub use error::VerifyError;
pub use step::Step;

use crate::author::require_author;
use crate::ed25519::{Domain, SignedMessage};
use crate::files::match_files;
use crate::verified::VerifiedPack;
use crate::{PackBytes, SignatureFile, Trust, TrustAt, manifest, sha256};

impl Trust {
    /// [`verify_with`](Self::verify_with) under the default [`HostPolicy`].
    ///
    /// # Errors
    /// [`VerifyError`].
    pub fn verify(&self, pack: PackBytes, now: Timestamp) -> Result<VerifiedPack, VerifyError> {
        self.verify_with(pack, now, &HostPolicy::default())
    }

    /// [`TrustAt::verify`] where the trust is in force now.
    ///
    /// # Errors
    /// [`VerifyError`].
    pub fn verify_with(
        &self,
        pack: PackBytes,
        now: Timestamp,
        policy: &HostPolicy,
    ) -> Result<VerifiedPack, VerifyError> {
        self.at(now)?.verify(pack, policy)
    }
}

impl TrustAt<'_> {
    /// Proves that enough keys of this trust file signed exactly these bytes.
    ///
    /// Until the signatures are verified, nothing of the manifest is parsed. Then it is read and
    /// checked against `policy`; the signers' scopes, the author's own signature, the expiry and the
    /// allow list are applied; and every file is compared with its declared digest. [`Step`] lists
    /// the steps in this order.
    ///
    /// # Errors
    /// [`VerifyError`] names the first check that failed.
    pub fn verify(self, pack: PackBytes, policy: &HostPolicy) -> Result<VerifiedPack, VerifyError> {
        let Self { trust, now } = self;
        let digest = sha256(pack.manifest());
        if trust.revoked_manifests.contains(&digest) {
            return Err(VerifyError::ManifestRevoked { digest });
        }
        let signatures = pack.signature().ok_or(VerifyError::MissingSignature)?;
        let signatures = SignatureFile::parse(signatures)?;
        let message = SignedMessage::new(Domain::Manifest, pack.manifest());
        let signers = trust.signers(&message, &signatures, now)?;

        let manifest = manifest::read(pack.manifest(), policy)?;
        let signers = signers.for_pack(manifest.name())?;
        require_author(&manifest, &signatures, &message)?;
        refuse_expired(&manifest, now)?;
        trust.allow.admit(&manifest)?;

        let files = match_files(&manifest, &pack)?;
        Ok(VerifiedPack::assemble(manifest, digest, signers, &files))
    }
}

fn refuse_expired(manifest: &CheckedManifest, now: Timestamp) -> Result<(), VerifyError> {
    match manifest.expires() {
        Some(expires) if expires <= now => Err(VerifyError::Expired { expires }),
        _ => Ok(()),
    }
}
