//! The one place where a signature is checked.
//!
//! ring checks the equation; curve25519-dalek is asked only whether a public key is a point that
//! may be trusted at all, because ring accepts the 14 encodings of small-order points, under some
//! of which one constant signature verifies every message.

use std::fmt;
use std::str::FromStr;

use curve25519_dalek::edwards::CompressedEdwardsY;
use kpack_schema::PublicKey;
use kpack_schema::text::shown;
use ring::signature::{ED25519, UnparsedPublicKey};

use crate::{KeyId, lower_hex};

/// A public key that may be trusted to verify: the canonical encoding of a point that is not of
/// small order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifyingKey {
    public: PublicKey,
    id: KeyId,
}

/// Why a public key must never be trusted, whoever vouches for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WeakKeyError {
    /// The 32 bytes name no point of the curve.
    #[error("the key is not a point of the Ed25519 curve: `{0}`")]
    NotAPoint(PublicKey),
    /// The point has another, shorter encoding: y >= 2^255 - 19, or a sign bit on x = 0.
    #[error("the key is not encoded canonically: `{0}`")]
    NonCanonical(PublicKey),
    /// Signatures under this point can be forged without a private key.
    #[error("the key is a point of small order: `{0}`")]
    SmallOrder(PublicKey),
}

impl VerifyingKey {
    /// The raw key.
    #[must_use]
    pub const fn public_key(&self) -> PublicKey {
        self.public
    }

    /// The key's id.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// Proof that the holder of this key signed `message`; `None` without a reason otherwise.
    pub(crate) fn verify(&self, message: &SignedMessage, signature: &Signature) -> Option<Signer> {
        UnparsedPublicKey::new(&ED25519, self.public.as_bytes())
            .verify(&message.0, &signature.0)
            .is_ok()
            .then_some(Signer(self.id))
    }
}

impl TryFrom<PublicKey> for VerifyingKey {
    type Error = WeakKeyError;

    fn try_from(public: PublicKey) -> Result<Self, WeakKeyError> {
        let encoded = CompressedEdwardsY(*public.as_bytes());
        let point = encoded
            .decompress()
            .ok_or(WeakKeyError::NotAPoint(public))?;
        if point.is_small_order() {
            return Err(WeakKeyError::SmallOrder(public));
        }
        if point.compress() != encoded {
            return Err(WeakKeyError::NonCanonical(public));
        }
        Ok(Self {
            public,
            id: KeyId::of(&public),
        })
    }
}

/// A key whose signature over the message in hand was verified. Only [`VerifyingKey::verify`]
/// makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Signer(KeyId);

impl Signer {
    pub(crate) const fn id(self) -> KeyId {
        self.0
    }
}

/// The 64 bytes of an Ed25519 signature; as text 128 lower-case hex characters. Nothing is known of
/// its validity.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signature([u8; 64]);

/// A text that is not 128 lower-case hex characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a signature has 128 lower-case hex characters: `{found}`")]
pub struct SignatureTextError {
    found: String,
}

impl Signature {
    /// The signature with these raw bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// The raw bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl FromStr for Signature {
    type Err = SignatureTextError;

    fn from_str(text: &str) -> Result<Self, SignatureTextError> {
        lower_hex::decode(text)
            .map(Self)
            .ok_or_else(|| SignatureTextError { found: shown(text) })
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({self})")
    }
}

/// What kind of file a signature speaks about, so that a signature made over one kind never counts
/// for another.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Domain {
    /// `kernels.json`.
    Manifest,
    /// `trust.json`.
    Trust,
}

impl Domain {
    const fn prefix(self) -> &'static [u8] {
        match self {
            Self::Manifest => b"kpack manifest v1\0",
            Self::Trust => b"kpack trust v1\0",
        }
    }
}

/// The exact bytes that are signed: the domain's prefix, then the file as it is stored.
pub(crate) struct SignedMessage(Vec<u8>);

impl SignedMessage {
    pub(crate) fn new(domain: Domain, stored: &[u8]) -> Self {
        Self([domain.prefix(), stored].concat())
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests;
