use std::fmt;
use std::str::FromStr;

use kpack_schema::PublicKey;
use kpack_schema::text::shown;

use crate::{lower_hex, sha256};

/// The name of a key: SHA-256 of the 32 raw bytes of the public key; as text 64 lower-case hex
/// characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 32]);

/// A text that is not 64 lower-case hex characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a key id has 64 lower-case hex characters: `{found}`")]
pub struct KeyIdError {
    found: String,
}

impl KeyId {
    /// The id of `key`.
    #[must_use]
    pub fn of(key: &PublicKey) -> Self {
        Self(sha256::raw(key.as_bytes()))
    }

    /// The raw bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for KeyId {
    type Err = KeyIdError;

    fn from_str(text: &str) -> Result<Self, KeyIdError> {
        lower_hex::decode(text)
            .map(Self)
            .ok_or_else(|| KeyIdError { found: shown(text) })
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips_and_has_one_spelling() {
        let id = KeyId::of(&PublicKey::from_bytes([7; 32]));
        assert_eq!(id.to_string().parse::<KeyId>().unwrap(), id);
        assert_eq!(id.to_string(), hex::encode(sha256(&[7; 32]).as_bytes()));
        for bad in ["", "ab", &"AB".repeat(32), &"a".repeat(65), &"g".repeat(64)] {
            assert!(bad.parse::<KeyId>().is_err(), "{bad}");
        }
    }
}
