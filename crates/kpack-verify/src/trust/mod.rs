//! `trust.json`, the operator's decision: which keys may sign which packs.
//!
//! What must come of age together stands together: here are also the root keys that sign the
//! decision itself, and their rotation.

mod allow;
mod draft;
mod error;
mod file;
mod glob;
mod proof;
mod roots;
mod wire;

use std::collections::BTreeSet;
use std::fmt;

use kpack_schema::{Digest, PackName, Timestamp};

pub(crate) use allow::{AllowList, NotAllowed};
pub use draft::TrustDraft;
pub use error::TrustError;
pub use file::{TrustEntry, TrustFile};
use glob::Glob;
pub use proof::{PinnedTrust, ProvenTrust, TrustOrigin, TrustProofError, WhichRoots};
pub use roots::{MAX_ROOT_THRESHOLD, Roots};
pub(crate) use wire::WireRoots;

use crate::KeyId;
use crate::ed25519::VerifyingKey;
use crate::verify::VerifyError;

/// Which keys an operator trusts, for which packs and until when.
///
/// ```
/// let key = kpack_verify::SigningKey::generate()?.public_key();
/// let trust = kpack_verify::Trust::from_json(&format!(
///     r#"{{"kpack_trust":1,"keys":[{{"key":"{key}","packs":["llama-*"]}}]}}"#
/// ))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A loaded trust file holds at least one key, no key twice, no unsafe key, and a threshold that its
/// keys can reach.
#[derive(Clone)]
pub struct Trust {
    pub(crate) keys: Vec<TrustedKey>,
    pub(crate) threshold: usize,
    expires: Option<Timestamp>,
    pub(crate) revoked_keys: BTreeSet<KeyId>,
    pub(crate) revoked_manifests: BTreeSet<Digest>,
    pub(crate) allow: AllowList,
}

/// A [`Trust`] at a moment at which it is in force. Only [`Trust::at`] makes one.
#[derive(Debug, Clone, Copy)]
pub struct TrustAt<'a> {
    pub(crate) trust: &'a Trust,
    pub(crate) now: Timestamp,
}

/// One entry of a trust file's `keys`.
#[derive(Clone)]
pub(crate) struct TrustedKey {
    pub(crate) key: VerifyingKey,
    packs: Vec<Glob>,
    not_before: Option<Timestamp>,
    not_after: Option<Timestamp>,
}

/// Where a moment lies in the validity of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Validity {
    NotYet,
    Now,
    Over,
}

impl Trust {
    /// The trust at this moment, which is before its `expires`.
    ///
    /// # Errors
    /// [`VerifyError::TrustExpired`] from `expires` on.
    pub fn at(&self, now: Timestamp) -> Result<TrustAt<'_>, VerifyError> {
        match self.expires {
            Some(expires) if expires <= now => Err(VerifyError::TrustExpired { expires }),
            _ => Ok(TrustAt { trust: self, now }),
        }
    }

    /// From when on nothing is taken by this trust any more.
    #[must_use]
    pub const fn expires(&self) -> Option<Timestamp> {
        self.expires
    }

    /// The key with this id, if the trust file lists it; it may be revoked or out of its time.
    pub(crate) fn key(&self, id: KeyId) -> Option<&TrustedKey> {
        self.keys.iter().find(|trusted| trusted.key.id() == id)
    }
}

impl<'a> TrustAt<'a> {
    /// The trust.
    #[must_use]
    pub const fn trust(self) -> &'a Trust {
        self.trust
    }

    /// The moment.
    #[must_use]
    pub const fn now(self) -> Timestamp {
        self.now
    }
}

impl TrustedKey {
    /// `not_before <= now < not_after`, where an absent bound is open.
    pub(crate) fn validity(&self, now: Timestamp) -> Validity {
        if self.not_before.is_some_and(|not_before| now < not_before) {
            Validity::NotYet
        } else if self.not_after.is_some_and(|not_after| not_after <= now) {
            Validity::Over
        } else {
            Validity::Now
        }
    }

    /// Whether the key may sign for packs of this name.
    pub(crate) fn covers(&self, pack: &PackName) -> bool {
        self.packs.iter().any(|glob| glob.matches(pack.as_str()))
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<KeyId> = self.keys.iter().map(|trusted| trusted.key.id()).collect();
        f.debug_struct("Trust")
            .field("keys", &ids)
            .field("threshold", &self.threshold)
            .finish_non_exhaustive()
    }
}
