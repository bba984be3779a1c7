//! Who wrote a trust file, in one place.

use kpack_schema::Digest;

use super::{Roots, Trust, TrustError, TrustFile};
use crate::SignatureFile;
use crate::signature_file::SignatureFileError;

/// A trust file that may decide, and by whose word. Only [`TrustFile::prove`] makes one.
#[derive(Debug, Clone)]
pub struct ProvenTrust {
    trust: Trust,
    origin: TrustOrigin,
    pin: Option<PinnedTrust>,
}

/// By whose word a trust file decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrustOrigin {
    /// It names no root keys: a file of the host's operator, which is as good as the place where it
    /// lies.
    Local,
    /// Its own root keys signed it, and nothing here says that they are the right ones.
    OwnRoots,
    /// The root keys that this host has pinned signed it, as did its own.
    PinnedRoots,
}

/// What a host remembers of the trust file that it accepted last: the next one must be signed by
/// these roots.
#[derive(Debug, Clone, PartialEq)]
pub struct PinnedTrust {
    pub(crate) version: u64,
    /// Of the file; none where the operator pinned roots before there was one.
    pub(crate) digest: Option<Digest>,
    pub(crate) roots: Roots,
}

/// Why a trust file was not accepted. Which signatures failed, and why, is never said.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustProofError {
    /// The file names root keys and there is no `trust.json.sig`.
    #[error("the trust file names root keys, and has no signature file")]
    MissingSignature,
    /// `trust.json.sig` is not a signature file.
    #[error("the trust file's signatures cannot be read")]
    SignatureFile(#[from] SignatureFileError),
    /// This host has pinned root keys, and the file names none.
    #[error("this host has pinned root keys, and the trust file names none")]
    NoRoots,
    /// The file is older than the one that was accepted last.
    #[error("the trust file is older than version {pinned}, which was accepted here: `{found}`")]
    Rollback {
        /// The version of the file.
        found: u64,
        /// The version that was accepted last.
        pinned: u64,
    },
    /// Another file of the same version was accepted.
    #[error("another trust file of this version was accepted here: `{version}`")]
    Reused {
        /// The version of both.
        version: u64,
    },
    /// Too few root keys signed.
    #[error("the trust file needs signatures by {needed} of {} and has: `{found}`", roots.name())]
    Threshold {
        /// Which roots.
        roots: WhichRoots,
        /// The number of distinct root keys with a valid signature.
        found: usize,
        /// The threshold.
        needed: usize,
    },
}

/// Whose signatures are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhichRoots {
    /// The roots that the file names itself.
    Own,
    /// The roots that the host has pinned.
    Pinned,
}

impl WhichRoots {
    /// In words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Own => "its own root keys",
            Self::Pinned => "the root keys pinned here",
        }
    }
}

impl TrustProofError {
    /// A stable name for this kind of error, for machines.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::MissingSignature => "trust_unsigned",
            Self::SignatureFile(_) => "malformed_trust_signature",
            Self::NoRoots => "trust_without_roots",
            Self::Rollback { .. } => "trust_rollback",
            Self::Reused { .. } => "trust_version_reused",
            Self::Threshold { .. } => "trust_threshold_not_met",
        }
    }
}

impl TrustFile {
    /// Proves by whose word the file decides. `signatures` are the bytes of the `trust.json.sig`
    /// beside it, `pinned` what this host accepted last.
    ///
    /// A file without root keys is the operator's own, and good where nothing is pinned. One with root
    /// keys must be signed by their threshold, of keys that it does not revoke itself; only those are
    /// pinned. Where roots are pinned, their threshold must have
    /// signed as well, and the version may not fall: as in TUF, it takes the old and the new roots to
    /// replace the old ones. Unlike a root file of TUF, versions may be left out, since the pinned
    /// roots vouch for each file that they sign; after a rotation they do not sign the next ones.
    ///
    /// The time plays no part: `expires` is looked at whenever the trust is used.
    ///
    /// # Errors
    /// [`TrustProofError`] names the first rule that does not hold.
    pub fn prove(
        self,
        signatures: Option<&[u8]>,
        pinned: Option<&PinnedTrust>,
    ) -> Result<ProvenTrust, TrustProofError> {
        let Some(roots) = self.counting_roots() else {
            return match pinned {
                Some(_) => Err(TrustProofError::NoRoots),
                None => Ok(ProvenTrust::local(self.trust)),
            };
        };
        let signatures =
            SignatureFile::parse(signatures.ok_or(TrustProofError::MissingSignature)?)?;
        let pin = PinnedTrust {
            version: self.version(),
            digest: Some(self.digest()),
            roots: roots.clone(),
        };
        if let Some(pinned) = pinned {
            pin.refuse_older_than(pinned)?;
            self.require(WhichRoots::Pinned, &pinned.roots, &signatures)?;
        }
        self.require(WhichRoots::Own, &roots, &signatures)?;
        Ok(ProvenTrust {
            trust: self.trust,
            origin: match pinned {
                Some(_) => TrustOrigin::PinnedRoots,
                None => TrustOrigin::OwnRoots,
            },
            pin: Some(pin),
        })
    }

    fn require(
        &self,
        which: WhichRoots,
        roots: &Roots,
        signatures: &SignatureFile,
    ) -> Result<(), TrustProofError> {
        let found = roots.signers(&self.message(), signatures).len();
        let needed = roots.threshold();
        if found < needed {
            return Err(TrustProofError::Threshold {
                roots: which,
                found,
                needed,
            });
        }
        Ok(())
    }
}

impl Trust {
    /// Reads a `trust.json` of the operator's own, one that names no root keys.
    ///
    /// # Errors
    /// As [`TrustFile::from_json`], and [`TrustError::Unproven`] for a file that names root keys:
    /// [`TrustFile::prove`] takes it with their signatures.
    pub fn from_json(text: &str) -> Result<Self, TrustError> {
        let file = TrustFile::from_json(text)?;
        match file.roots {
            None => Ok(file.trust),
            Some(_) => Err(TrustError::Unproven),
        }
    }
}

impl ProvenTrust {
    /// The decision.
    #[must_use]
    pub const fn trust(&self) -> &Trust {
        &self.trust
    }

    /// The decision, by itself.
    #[must_use]
    pub fn into_trust(self) -> Trust {
        self.trust
    }

    /// By whose word it is taken.
    #[must_use]
    pub const fn origin(&self) -> TrustOrigin {
        self.origin
    }

    /// What a host pins of it, so that only its roots can replace it.
    #[must_use]
    pub const fn pin(&self) -> Option<&PinnedTrust> {
        self.pin.as_ref()
    }

    const fn local(trust: Trust) -> Self {
        Self {
            trust,
            origin: TrustOrigin::Local,
            pin: None,
        }
    }
}

impl TrustOrigin {
    /// A stable name, in `snake_case`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::OwnRoots => "own_roots",
            Self::PinnedRoots => "pinned_roots",
        }
    }
}

impl PinnedTrust {
    /// Roots that an operator names himself, so that not even the first file is trusted unseen.
    #[must_use]
    pub const fn roots_alone(roots: Roots) -> Self {
        Self {
            version: 0,
            digest: None,
            roots,
        }
    }

    /// The version that was accepted; 0 where there was none as yet.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// The digest of the file that was accepted, if there was one.
    #[must_use]
    pub const fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// The keys that must sign the next one.
    #[must_use]
    pub const fn roots(&self) -> &Roots {
        &self.roots
    }

    fn refuse_older_than(&self, pinned: &Self) -> Result<(), TrustProofError> {
        if self.version < pinned.version {
            return Err(TrustProofError::Rollback {
                found: self.version,
                pinned: pinned.version,
            });
        }
        if self.version == pinned.version && self.digest != pinned.digest {
            return Err(TrustProofError::Reused {
                version: self.version,
            });
        }
        Ok(())
    }
}
