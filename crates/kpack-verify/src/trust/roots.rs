use std::collections::BTreeSet;
use std::fmt;

use kpack_schema::PublicKey;

use super::TrustError;
use super::wire::WireRoots;
use crate::ed25519::{SignedMessage, VerifyingKey};
use crate::text::Text;
use crate::{KeyId, MAX_SIGNATURES, SignatureFile};

/// The keys that decide about a trust file itself, and how many of them must agree.
///
/// No key stands twice, none is unsafe, and the threshold can be reached. It is at most
/// [`MAX_ROOT_THRESHOLD`], so that the old and the new roots of a rotation have room for their
/// signatures in one file.
#[derive(Clone, PartialEq)]
pub struct Roots {
    keys: Vec<VerifyingKey>,
    threshold: usize,
}

/// The highest threshold of root keys: half of what a signature file holds.
pub const MAX_ROOT_THRESHOLD: usize = MAX_SIGNATURES / 2;

impl Roots {
    /// These keys, of which `threshold` must sign.
    ///
    /// # Errors
    /// [`TrustError`], as for a trust file that names them.
    pub fn new(
        keys: impl IntoIterator<Item = PublicKey>,
        threshold: u64,
    ) -> Result<Self, TrustError> {
        Self::from_wire(&WireRoots {
            keys: keys.into_iter().map(Text).collect(),
            threshold,
        })
    }

    /// The keys, in the order of the file.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = PublicKey> + '_ {
        self.keys.iter().map(VerifyingKey::public_key)
    }

    /// How many of the keys must sign.
    #[must_use]
    pub const fn threshold(&self) -> usize {
        self.threshold
    }

    /// Whether this is one of the keys.
    #[must_use]
    pub fn contains(&self, id: KeyId) -> bool {
        self.keys.iter().any(|key| key.id() == id)
    }

    /// These roots but for the revoked ones. The threshold stays, and may no longer be in reach.
    pub(crate) fn without(&self, revoked: &BTreeSet<KeyId>) -> Self {
        let keys = self.keys.iter();
        let left = keys.filter(|key| !revoked.contains(&key.id()));
        Self {
            keys: left.copied().collect(),
            threshold: self.threshold,
        }
    }

    /// The distinct root keys that signed the message, in the order of the file.
    pub(crate) fn signers(
        &self,
        message: &SignedMessage,
        signatures: &SignatureFile,
    ) -> Vec<KeyId> {
        let signer = |key: &VerifyingKey| {
            let signature = signatures.signature(key.id())?;
            Some(key.verify(message, signature)?.id())
        };
        self.keys.iter().filter_map(signer).collect()
    }

    pub(crate) fn from_wire(wire: &WireRoots) -> Result<Self, TrustError> {
        let mut seen = BTreeSet::new();
        let mut keys = Vec::with_capacity(wire.keys.len());
        for (index, Text(key)) in wire.keys.iter().enumerate() {
            let pointer = || format!("/roots/keys/{index}");
            let key = VerifyingKey::try_from(*key).map_err(|source| TrustError::WeakKey {
                pointer: pointer(),
                source,
            })?;
            if !seen.insert(key.id()) {
                return Err(TrustError::RepeatedKey {
                    pointer: pointer(),
                    key_id: key.id(),
                });
            }
            keys.push(key);
        }
        let max = keys.len().min(MAX_ROOT_THRESHOLD);
        let threshold = within("/roots/threshold", wire.threshold, max)?;
        Ok(Self { keys, threshold })
    }

    pub(crate) fn to_wire(&self) -> WireRoots {
        WireRoots {
            keys: self.keys().map(Text).collect(),
            threshold: u64::try_from(self.threshold).expect("a threshold is small"),
        }
    }
}

impl fmt::Debug for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<KeyId> = self.keys.iter().map(VerifyingKey::id).collect();
        f.debug_struct("Roots")
            .field("keys", &ids)
            .field("threshold", &self.threshold)
            .finish()
    }
}

/// A threshold of 1 to `max`.
pub(super) fn within(pointer: &'static str, found: u64, max: usize) -> Result<usize, TrustError> {
    match usize::try_from(found) {
        Ok(threshold) if (1..=max).contains(&threshold) => Ok(threshold),
        _ => Err(TrustError::Threshold {
            pointer,
            found,
            max,
        }),
    }
}
