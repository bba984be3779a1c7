use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use kpack_schema::{Digest, KernelId, PackName, PublicKey, Timestamp};

use super::roots::within;
use super::wire::{WireAllow, WireKey, WireTrust, every_pack};
use super::{AllowList, Glob, Roots, Trust, TrustError, TrustedKey};
use crate::ed25519::{Domain, SignedMessage, VerifyingKey};
use crate::text::Text;
use crate::{KeyId, SignatureFile, sha256};

/// A `trust.json` that was read and makes sense. Who wrote it is not known yet: it decides nothing
/// until it is [proven](TrustFile::prove).
#[derive(Clone)]
pub struct TrustFile {
    pub(super) text: String,
    pub(super) wire: WireTrust,
    pub(super) trust: Trust,
    pub(super) roots: Option<Roots>,
}

/// An entry of a trust file's `keys`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustEntry {
    /// The key.
    pub key: PublicKey,
    /// Globs over the names of the packs that it may sign for.
    pub packs: Vec<String>,
    /// From when on its signatures count; open where `None`.
    pub not_before: Option<Timestamp>,
    /// From when on they count no more; open where `None`.
    pub not_after: Option<Timestamp>,
    /// For the operator's own eyes.
    pub comment: String,
}

impl TrustFile {
    /// Reads a `trust.json`.
    ///
    /// # Errors
    /// [`TrustError`] names the first thing that is wrong. A file that is even partly not understood
    /// is refused whole: half of an operator's decision is not a decision.
    pub fn from_json(text: &str) -> Result<Self, TrustError> {
        let wire = WireTrust::from_json(text)?;
        let keys = trusted_keys(&wire.keys)?;
        let roots = wire.roots.as_ref().map(Roots::from_wire).transpose()?;
        if roots.is_some() && wire.version == 0 {
            return Err(TrustError::Unversioned);
        }
        let trust = Trust {
            threshold: within("/threshold", wire.threshold, keys.len())?,
            keys,
            expires: wire.expires.as_ref().map(|Text(time)| *time),
            revoked_keys: values(&wire.revoked_keys),
            revoked_manifests: values(&wire.revoked_manifests),
            allow: allow_list(&wire.allow),
        };
        Ok(Self {
            text: text.to_owned(),
            wire,
            trust,
            roots,
        })
    }

    /// The exact text that was read.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The digest of the text.
    #[must_use]
    pub fn digest(&self) -> Digest {
        sha256(self.text.as_bytes())
    }

    /// The number that rises by one with each change; 0 for a file that has none.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.wire.version
    }

    /// From when on the file decides nothing any more.
    #[must_use]
    pub const fn expires(&self) -> Option<Timestamp> {
        self.trust.expires
    }

    /// The keys that sign the file itself, if it names any.
    #[must_use]
    pub const fn roots(&self) -> Option<&Roots> {
        self.roots.as_ref()
    }

    /// The keys that are trusted, in the order of the file.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = TrustEntry> + '_ {
        self.wire.keys.iter().map(TrustEntry::from_wire)
    }

    /// How many trusted keys must sign a pack.
    #[must_use]
    pub const fn threshold(&self) -> usize {
        self.trust.threshold
    }

    /// The revoked keys, sorted.
    #[must_use]
    pub const fn revoked_keys(&self) -> &BTreeSet<KeyId> {
        &self.trust.revoked_keys
    }

    /// The digests of the revoked manifests, sorted.
    #[must_use]
    pub const fn revoked_manifests(&self) -> &BTreeSet<Digest> {
        &self.trust.revoked_manifests
    }

    /// The names of the packs in `allow`; where there are none, every pack is allowed.
    pub fn allowed_packs(&self) -> impl ExactSizeIterator<Item = &PackName> {
        self.wire.allow.keys().map(|Text(name)| name)
    }

    /// Which of the file's own root keys have signed these exact bytes, but for those that it revokes
    /// itself.
    #[must_use]
    pub fn root_signers(&self, signatures: &SignatureFile) -> Vec<KeyId> {
        self.counting_roots()
            .map_or_else(Vec::new, |roots| roots.signers(&self.message(), signatures))
    }

    /// The file's own root keys that it does not revoke itself.
    pub(crate) fn counting_roots(&self) -> Option<Roots> {
        let roots = self.roots.as_ref()?;
        Some(roots.without(&self.trust.revoked_keys))
    }

    /// What root keys sign.
    pub(crate) fn message(&self) -> SignedMessage {
        SignedMessage::new(Domain::Trust, self.text.as_bytes())
    }
}

impl TrustEntry {
    /// A key that may sign for every pack, at any time.
    #[must_use]
    pub fn new(key: PublicKey) -> Self {
        Self {
            key,
            packs: every_pack(),
            not_before: None,
            not_after: None,
            comment: String::new(),
        }
    }

    fn from_wire(wire: &WireKey) -> Self {
        Self {
            key: wire.key.0,
            packs: wire.packs.clone(),
            not_before: wire.not_before.as_ref().map(|Text(time)| *time),
            not_after: wire.not_after.as_ref().map(|Text(time)| *time),
            comment: wire.comment.clone(),
        }
    }

    pub(super) fn into_wire(self) -> WireKey {
        WireKey {
            key: Text(self.key),
            packs: self.packs,
            not_before: self.not_before.map(Text),
            not_after: self.not_after.map(Text),
            comment: self.comment,
        }
    }
}

impl fmt::Debug for TrustFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrustFile")
            .field("version", &self.version())
            .field("trust", &self.trust)
            .field("roots", &self.roots)
            .finish_non_exhaustive()
    }
}

fn trusted_keys(wire: &[WireKey]) -> Result<Vec<TrustedKey>, TrustError> {
    let mut seen = BTreeSet::new();
    let mut keys = Vec::with_capacity(wire.len());
    for (index, wire) in wire.iter().enumerate() {
        let trusted = trusted_key(wire, index)?;
        let key_id = trusted.key.id();
        if !seen.insert(key_id) {
            let pointer = format!("/keys/{index}/key");
            return Err(TrustError::RepeatedKey { pointer, key_id });
        }
        keys.push(trusted);
    }
    Ok(keys)
}

fn trusted_key(wire: &WireKey, index: usize) -> Result<TrustedKey, TrustError> {
    let entry = TrustEntry::from_wire(wire);
    let key = VerifyingKey::try_from(entry.key).map_err(|source| TrustError::WeakKey {
        pointer: format!("/keys/{index}/key"),
        source,
    })?;
    if let (Some(not_before), Some(not_after)) = (entry.not_before, entry.not_after)
        && not_after <= not_before
    {
        let pointer = format!("/keys/{index}");
        return Err(TrustError::NeverValid { pointer });
    }
    Ok(TrustedKey {
        key,
        packs: entry.packs.into_iter().map(Glob::new).collect(),
        not_before: entry.not_before,
        not_after: entry.not_after,
    })
}

fn values<T: Ord + Clone>(texts: &[Text<T>]) -> BTreeSet<T> {
    texts.iter().map(|Text(value)| value.clone()).collect()
}

fn allow_list(wire: &WireAllow) -> AllowList {
    let kernels = |kernels: &BTreeMap<Text<KernelId>, Vec<Text<Digest>>>| {
        kernels
            .iter()
            .map(|(Text(id), digests)| (id.clone(), values(digests)))
            .collect()
    };
    AllowList::new(
        wire.iter()
            .map(|(Text(pack), of)| (pack.clone(), kernels(of)))
            .collect(),
    )
}
