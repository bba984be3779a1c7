use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// The 32 raw bytes of an Ed25519 public key, as a manifest or a trust file names it.
///
/// Only the form is checked here. Whether the bytes are a point that may be trusted is judged where
/// the key is used, in `kpack-verify`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

/// A text that is not `ed25519:` followed by 32 bytes in hex or base64.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a key must be ed25519: and 64 hex characters, or base64 of 32 bytes: `{found}`")]
pub struct PublicKeyError {
    found: String,
}

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl PublicKey {
    /// The key with these raw bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The raw bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for PublicKey {
    type Err = PublicKeyError;

    fn from_str(text: &str) -> Result<Self, PublicKeyError> {
        text.strip_prefix("ed25519:")
            .and_then(decode)
            .map(Self)
            .ok_or_else(|| PublicKeyError {
                found: crate::text::shown(text),
            })
    }
}

fn decode(text: &str) -> Option<[u8; 32]> {
    let bytes = if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        hex::decode(text).ok()?
    } else {
        BASE64.decode(text).ok()?
    };
    bytes.try_into().ok()
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ed25519:{}", hex::encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_and_base64_name_the_same_key() {
        let key = PublicKey::from_bytes([0xfb; 32]);
        let hex = format!("ed25519:{}", "fb".repeat(32));
        assert_eq!(key.to_string(), hex);
        let base64 = BASE64.encode([0xfb; 32]);
        let forms = [
            hex.clone(),
            hex.to_uppercase().replace("ED25519", "ed25519"),
            format!("ed25519:{base64}"),
            format!("ed25519:{}", base64.trim_end_matches('=')),
        ];
        for form in forms {
            assert_eq!(form.parse::<PublicKey>().unwrap(), key, "{form}");
        }
    }

    #[test]
    fn other_forms_are_refused() {
        let short = format!("ed25519:{}", "fb".repeat(31));
        let bare = "fb".repeat(32);
        let url_safe = format!(
            "ed25519:{}",
            BASE64
                .encode([0xfb; 32])
                .replace('+', "-")
                .replace('/', "_")
        );
        for bad in [
            "",
            "ed25519:",
            "ed25519:AAAA...",
            "rsa:00",
            &short,
            &bare,
            &url_safe,
        ] {
            assert!(bad.parse::<PublicKey>().is_err(), "{bad}");
        }
    }
}
