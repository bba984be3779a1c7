use kpack_schema::{CheckedManifest, HostPolicy};

use crate::author::require_author;
use crate::ed25519::{Domain, SignedMessage};
use crate::files::match_files;
use crate::{PackBytes, SignatureFile, VerifyError, manifest};

/// Whether a pack is fit to be given away: it is signed by its author, its manifest is one that this
/// host takes, and its files are the declared ones. What only an operator can say, whose signature
/// counts and until when, is left to [`Trust`](crate::Trust): nothing here is proof of origin.
///
/// # Errors
/// As [`Trust::verify`](crate::Trust::verify), but for trust and time.
pub fn check_release(
    pack: &PackBytes,
    policy: &HostPolicy,
) -> Result<CheckedManifest, VerifyError> {
    let signatures = pack.signature().ok_or(VerifyError::MissingSignature)?;
    let signatures = SignatureFile::parse(signatures)?;
    let manifest = manifest::read(pack.manifest(), policy)?;
    let message = SignedMessage::new(Domain::Manifest, pack.manifest());
    require_author(&manifest, &signatures, &message)?;
    match_files(&manifest, pack)?;
    Ok(manifest)
}
