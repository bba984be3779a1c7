use kpack_schema::{PackName, Timestamp};

use super::VerifyError;
use crate::ed25519::{SignedMessage, Signer};
use crate::trust::{TrustedKey, Validity};
use crate::{KeyId, SignatureEntry, SignatureFile, Trust};

/// Enough distinct trusted keys that signed the message, none revoked, all valid now. Whether they
/// may sign for a pack of this name is not known until the manifest is parsed.
pub(super) struct Signers<'a> {
    signers: Vec<(Signer, &'a TrustedKey)>,
    threshold: usize,
}

impl Trust {
    /// Judges every entry and demands the threshold. Both the entries' key ids and the trust file's
    /// keys are distinct, so that no key counts twice.
    pub(super) fn signers(
        &self,
        message: &SignedMessage,
        signatures: &SignatureFile,
        now: Timestamp,
    ) -> Result<Signers<'_>, VerifyError> {
        let mut signers = Vec::new();
        let mut refusals = Vec::new();
        for entry in signatures.entries() {
            match self.judge(&entry, message, now) {
                Ok(signer) => signers.push(signer),
                Err(why) => refusals.push((why, entry.key_id())),
            }
        }
        let (found, needed) = (signers.len(), self.threshold);
        if found >= needed {
            return Ok(Signers {
                signers,
                threshold: needed,
            });
        }
        // Of several entries that do not count, the one to show is the one that says the most.
        match refusals.into_iter().min() {
            Some((why, key_id)) if found == 0 => Err(why.error(key_id)),
            _ => Err(VerifyError::ThresholdNotMet { found, needed }),
        }
    }

    fn judge(
        &self,
        entry: &SignatureEntry,
        message: &SignedMessage,
        now: Timestamp,
    ) -> Result<(Signer, &TrustedKey), Refusal> {
        // First, because a revoked key need not be listed any more to be recognised.
        if self.revoked_keys.contains(&entry.key_id()) {
            return Err(Refusal::Revoked);
        }
        let trusted = self.key(entry.key_id()).ok_or(Refusal::Unknown)?;
        match trusted.validity(now) {
            Validity::NotYet => return Err(Refusal::NotYetValid),
            Validity::Over => return Err(Refusal::Expired),
            Validity::Now => {}
        }
        let signer = trusted
            .key
            .verify(message, &entry.signature())
            .ok_or(Refusal::Bad)?;
        Ok((signer, trusted))
    }
}

impl Signers<'_> {
    /// The signers that may sign for this pack name, if they are still enough.
    pub(super) fn for_pack(self, pack: &PackName) -> Result<Vec<KeyId>, VerifyError> {
        let in_scope = self
            .signers
            .iter()
            .filter(|(_, trusted)| trusted.covers(pack));
        let ids: Vec<KeyId> = in_scope.map(|(signer, _)| signer.id()).collect();
        if ids.len() < self.threshold {
            let (found, needed) = (ids.len(), self.threshold);
            return Err(VerifyError::OutOfScope {
                pack: pack.clone(),
                found,
                needed,
            });
        }
        Ok(ids)
    }
}

/// Why an entry does not count; the most telling first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Refusal {
    Bad,
    Revoked,
    Expired,
    NotYetValid,
    Unknown,
}

impl Refusal {
    const fn error(self, key_id: KeyId) -> VerifyError {
        match self {
            Self::Bad => VerifyError::BadSignature { key_id },
            Self::Revoked => VerifyError::KeyRevoked { key_id },
            Self::Expired => VerifyError::KeyExpired { key_id },
            Self::NotYetValid => VerifyError::KeyNotYetValid { key_id },
            Self::Unknown => VerifyError::UntrustedKey { key_id },
        }
    }
}
