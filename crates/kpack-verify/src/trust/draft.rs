use kpack_schema::{Digest, PublicKey, Timestamp};

use super::wire::{WireRoots, WireTrust};
use super::{TrustEntry, TrustError, TrustFile};
use crate::KeyId;
use crate::text::Text;

/// A trust file under change. [`finish`](TrustDraft::finish) gives the next version of it, or says
/// what would be wrong with it.
///
/// Nothing of the file that it was made from is lost but its layout.
#[derive(Clone)]
pub struct TrustDraft {
    before: WireTrust,
    wire: WireTrust,
}

impl TrustDraft {
    /// A first file, which lists nothing as yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            before: WireTrust::empty(),
            wire: WireTrust::empty(),
        }
    }

    /// The next version of a file.
    #[must_use]
    pub fn of(file: &TrustFile) -> Self {
        Self {
            before: file.wire.clone(),
            wire: file.wire.clone(),
        }
    }

    /// Trusts one more key.
    pub fn add_key(&mut self, entry: TrustEntry) -> &mut Self {
        self.wire.keys.push(entry.into_wire());
        self
    }

    /// How many keys must sign a pack.
    pub const fn set_threshold(&mut self, threshold: u64) -> &mut Self {
        self.wire.threshold = threshold;
        self
    }

    /// No signature of this key counts any more. Where it is listed it stays so, for the record.
    pub fn revoke_key(&mut self, key_id: KeyId) -> &mut Self {
        push_new(&mut self.wire.revoked_keys, Text(key_id));
        self
    }

    /// Nothing that this manifest describes is taken any more.
    pub fn revoke_manifest(&mut self, digest: Digest) -> &mut Self {
        push_new(&mut self.wire.revoked_manifests, Text(digest));
        self
    }

    /// The keys that sign the file itself, and how many of them must.
    pub fn set_roots(&mut self, keys: Vec<PublicKey>, threshold: u64) -> &mut Self {
        self.wire.roots = Some(WireRoots {
            keys: keys.into_iter().map(Text).collect(),
            threshold,
        });
        self
    }

    /// From when on the file decides nothing any more; never where `None`.
    pub fn set_expires(&mut self, expires: Option<Timestamp>) -> &mut Self {
        self.wire.expires = expires.map(Text);
        self
    }

    /// Whether anything differs from the file that the draft was made from.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        self.wire != self.before
    }

    /// The file with the next version, as a reader of it will find it. Signatures of the one before
    /// do not hold for it.
    ///
    /// # Errors
    /// [`TrustError`] for whatever a reader would refuse, and [`TrustError::LastVersion`].
    pub fn finish(mut self) -> Result<TrustFile, TrustError> {
        let next = self.before.version.checked_add(1);
        self.wire.version = next.ok_or(TrustError::LastVersion)?;
        TrustFile::from_json(&self.wire.to_json())
    }
}

impl Default for TrustDraft {
    fn default() -> Self {
        Self::new()
    }
}

fn push_new<T: PartialEq>(list: &mut Vec<T>, value: T) {
    if !list.contains(&value) {
        list.push(value);
    }
}
