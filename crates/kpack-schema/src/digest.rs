use std::fmt;
use std::str::FromStr;

/// A SHA-256 digest; as text `sha256:` and 64 lower-case hex characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

/// A text that is not `sha256:` followed by 64 lower-case hex characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a digest must be sha256: and 64 lower-case hex characters: `{found}`")]
pub struct DigestError {
    found: String,
}

impl Digest {
    /// The digest with these raw bytes.
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

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        text.strip_prefix("sha256:")
            .and_then(lower_hex_32)
            .map(Self)
            .ok_or_else(|| DigestError {
                found: crate::text::shown(text),
            })
    }
}

/// 32 bytes from exactly 64 lower-case hex characters.
fn lower_hex_32(text: &str) -> Option<[u8; 32]> {
    if text.bytes().any(|b| b.is_ascii_uppercase()) {
        return None;
    }
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(bytes)
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("sha256:{}", hex::encode(self.0)))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips() {
        let text = format!("sha256:{}", "0a".repeat(32));
        assert_eq!(text.parse::<Digest>().unwrap().to_string(), text);
    }

    #[test]
    fn other_forms_are_refused() {
        let upper = format!("sha256:{}", "AB".repeat(32));
        let long = format!("sha256:{}", "a".repeat(65));
        let bare = "a".repeat(64);
        for bad in [
            "",
            "sha256:",
            "sha256:abc",
            "sha256:abc123",
            "md5:00",
            &upper,
            &long,
            &bare,
        ] {
            assert!(bad.parse::<Digest>().is_err(), "{bad}");
        }
    }
}
