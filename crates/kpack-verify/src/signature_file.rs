use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use kpack_schema::json;
use serde::{Deserialize, Serialize};

use crate::ed25519::{Domain, Signature, SignedMessage, VerifyingKey};
use crate::text::Text;
use crate::{KeyId, PackLimits};

/// The signatures beside a manifest, `kernels.json.sig`, or beside a trust file, `trust.json.sig`: 1
/// to 16 entries of distinct key ids. What they are worth is judged by
/// [`Trust::verify`](crate::Trust::verify) and by [`TrustFile::prove`](crate::TrustFile::prove).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureFile {
    signatures: BTreeMap<KeyId, Signature>,
}

/// One signature and the id of the key that is said to have made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignatureEntry {
    key_id: KeyId,
    signature: Signature,
}

/// Why bytes are not a signature file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureFileError {
    /// Larger than 64 KiB.
    #[error("the signature file is larger than {limit} bytes: `{found}`")]
    TooLarge {
        /// The file's size in bytes.
        found: usize,
        /// The largest size allowed, in bytes.
        limit: usize,
    },
    /// Not UTF-8.
    #[error("the signature file is not UTF-8")]
    NotUtf8(#[source] std::str::Utf8Error),
    /// Not JSON, or JSON of another shape.
    #[error("the signature file is malformed")]
    Json(#[source] json::JsonError),
    /// `kpack_signature` is not 1.
    #[error("the signature file's version must be 1: `{found}`")]
    Version {
        /// The version that was found.
        found: u64,
    },
    /// No entry, or more than 16.
    #[error("a signature file has 1 to 16 entries: `{found}`")]
    Count {
        /// The number of entries.
        found: usize,
    },
    /// Two entries of one key.
    #[error("the signature file has two entries of one key: `{key_id}`")]
    RepeatedKey {
        /// The key that stands twice.
        key_id: KeyId,
    },
}

/// The most entries a signature file may have.
pub const MAX_SIGNATURES: usize = 16;

const VERSION: u64 = 1;

impl SignatureFile {
    /// A file with this one entry.
    #[must_use]
    pub fn new(entry: SignatureEntry) -> Self {
        Self {
            signatures: BTreeMap::from([(entry.key_id, entry.signature)]),
        }
    }

    /// Reads the bytes of a `kernels.json.sig`.
    ///
    /// # Errors
    /// [`SignatureFileError`] names the first thing that is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, SignatureFileError> {
        let limit = PackLimits::default().max_signature_bytes;
        if bytes.len() > limit {
            return Err(SignatureFileError::TooLarge {
                found: bytes.len(),
                limit,
            });
        }
        let text = std::str::from_utf8(bytes).map_err(SignatureFileError::NotUtf8)?;
        let limits = json::Limits {
            max_bytes: limit,
            max_depth: 4,
        };
        let wire: WireFile = json::from_str(text, limits).map_err(SignatureFileError::Json)?;
        if wire.kpack_signature != VERSION {
            return Err(SignatureFileError::Version {
                found: wire.kpack_signature,
            });
        }
        if !(1..=MAX_SIGNATURES).contains(&wire.signatures.len()) {
            return Err(SignatureFileError::Count {
                found: wire.signatures.len(),
            });
        }
        Self::from_wire(wire.signatures)
    }

    /// The file's text: pretty JSON, sorted by key id, ending in a newline.
    #[must_use]
    pub fn to_json(&self) -> String {
        let signatures = self.entries().map(|entry| WireEntry {
            key_id: Text(entry.key_id),
            sig: Text(entry.signature),
        });
        let wire = WireFile {
            kpack_signature: VERSION,
            signatures: signatures.collect(),
        };
        let mut text = serde_json::to_string_pretty(&wire).expect("texts and numbers are JSON");
        text.push('\n');
        text
    }

    /// Adds an entry, or replaces the one of the same key; all others stay as they are.
    ///
    /// # Errors
    /// [`SignatureFileError::Count`] if it would be the 17th; the file is unchanged then.
    pub fn upsert(&mut self, entry: SignatureEntry) -> Result<(), SignatureFileError> {
        let full = self.signatures.len() == MAX_SIGNATURES;
        match self.signatures.entry(entry.key_id) {
            Entry::Vacant(_) if full => {
                return Err(SignatureFileError::Count {
                    found: MAX_SIGNATURES + 1,
                });
            }
            Entry::Vacant(vacant) => _ = vacant.insert(entry.signature),
            Entry::Occupied(mut occupied) => _ = occupied.insert(entry.signature),
        }
        Ok(())
    }

    /// All entries, sorted by key id.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = SignatureEntry> + '_ {
        self.signatures
            .iter()
            .map(|(&key_id, &signature)| SignatureEntry { key_id, signature })
    }

    /// What `key_id` is said to have signed.
    #[must_use]
    pub fn signature(&self, key_id: KeyId) -> Option<&Signature> {
        self.signatures.get(&key_id)
    }

    /// Whether there is an entry of `key` that verifies over these bytes of a `kernels.json`. This
    /// says nothing of whether the key is trusted: that is what
    /// [`Trust::verify`](crate::Trust::verify) is for.
    #[must_use]
    pub fn is_signed_by(&self, key: &VerifyingKey, manifest: &[u8]) -> bool {
        let message = SignedMessage::new(Domain::Manifest, manifest);
        self.signature(key.id())
            .is_some_and(|signature| key.verify(&message, signature).is_some())
    }

    fn from_wire(wire: Vec<WireEntry>) -> Result<Self, SignatureFileError> {
        let mut signatures = BTreeMap::new();
        for WireEntry {
            key_id: Text(key_id),
            sig: Text(signature),
        } in wire
        {
            if signatures.insert(key_id, signature).is_some() {
                return Err(SignatureFileError::RepeatedKey { key_id });
            }
        }
        Ok(Self { signatures })
    }
}

impl SignatureEntry {
    /// An entry of these parts; whether they belong together is not checked.
    #[must_use]
    pub const fn new(key_id: KeyId, signature: Signature) -> Self {
        Self { key_id, signature }
    }

    /// The key that is said to have signed.
    #[must_use]
    pub const fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// The signature.
    #[must_use]
    pub const fn signature(&self) -> Signature {
        self.signature
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireFile {
    kpack_signature: u64,
    signatures: Vec<WireEntry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireEntry {
    key_id: Text<KeyId>,
    sig: Text<Signature>,
}
