use std::fmt;

use kpack_schema::Digest;
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use crate::sha256;

/// An owner's secret, under which machine code is stored and without which none is taken back.
///
/// A folder is no proof: whoever may write to it could put any code there, and an engine runs what
/// it is given. Code is therefore stored with a tag (HMAC-SHA256, RFC 2104) over the code and over
/// [all that it depends on](CodeOrigin). `Debug` shows nothing of the secret.
pub struct CacheKey {
    secret: Zeroizing<[u8; CacheKey::LEN]>,
}

/// Everything that the machine code of a module depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeOrigin {
    /// The digest of the WebAssembly module.
    pub module: Digest,
    /// The engine's name.
    pub engine: String,
    /// The engine's version, settings and target, the processor's features included.
    pub settings: String,
}

/// Machine code that the holder of a [`CacheKey`] made from a module, unchanged since.
///
/// Only [`CacheKey::open`] makes one; engines load no other code.
///
/// ```compile_fail,E0451
/// # fn example(origin: kpack_verify::CodeOrigin) {
/// let code = kpack_verify::ProvenCode { origin, sealed: vec![0x90; 4096] };
/// # }
/// ```
pub struct ProvenCode {
    origin: CodeOrigin,
    sealed: Vec<u8>,
}

/// The system's source of randomness failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system's source of randomness failed")]
pub struct RandomnessError;

/// Keeps tags from being taken for those of any other use of the key.
const DOMAIN: &[u8] = b"kpack compile cache v1\0";

const TAG_LEN: usize = 32;

impl CacheKey {
    /// Bytes of the secret.
    pub const LEN: usize = 32;

    /// A new secret from the operating system.
    ///
    /// # Errors
    ///
    /// When the operating system has no randomness to give.
    pub fn generate() -> Result<Self, RandomnessError> {
        let mut secret = Zeroizing::new([0; Self::LEN]);
        let random = SystemRandom::new();
        random.fill(&mut *secret).map_err(|_| RandomnessError)?;
        Ok(Self { secret })
    }

    /// The secret that was stored earlier; `None` when there are not [`LEN`](Self::LEN) bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let secret = Zeroizing::new(bytes.try_into().ok()?);
        Some(Self { secret })
    }

    /// The secret, to be stored where only its owner can read it.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &*self.secret
    }

    /// The code with its tag, to be stored anywhere.
    #[must_use]
    pub fn seal(&self, origin: &CodeOrigin, code: &[u8]) -> Vec<u8> {
        let mut tag = hmac::Context::with_key(&self.key());
        tag.update(&origin.encoded());
        tag.update(code);
        [tag.sign().as_ref(), code].concat()
    }

    /// The code in what was stored, if it was sealed with this key for exactly this origin.
    #[must_use]
    pub fn open(&self, origin: CodeOrigin, sealed: Vec<u8>) -> Option<ProvenCode> {
        let (tag, code) = sealed.split_at_checked(TAG_LEN)?;
        let message = [origin.encoded().as_slice(), code].concat();
        hmac::verify(&self.key(), &message, tag).ok()?;
        Some(ProvenCode { origin, sealed })
    }

    fn key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &*self.secret)
    }
}

impl fmt::Debug for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheKey").finish_non_exhaustive()
    }
}

impl CodeOrigin {
    /// A name for the code of this origin.
    #[must_use]
    pub fn id(&self) -> Digest {
        sha256(&self.encoded())
    }

    /// Each part behind its length, so that no two origins have the same bytes.
    fn encoded(&self) -> Vec<u8> {
        let module = self.module.to_string();
        let parts = [module.as_str(), &self.engine, &self.settings];
        let mut bytes = DOMAIN.to_vec();
        for part in parts {
            let length = u64::try_from(part.len()).expect("a text is shorter than 2^64");
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        bytes
    }
}

impl ProvenCode {
    /// What the code was made from.
    #[must_use]
    pub const fn origin(&self) -> &CodeOrigin {
        &self.origin
    }

    /// The code, as the engine gave it.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.sealed[TAG_LEN..]
    }
}

impl fmt::Debug for ProvenCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProvenCode")
            .field("origin", &self.origin)
            .field("bytes", &self.bytes().len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(settings: &str) -> CodeOrigin {
        CodeOrigin {
            module: sha256(b"module"),
            engine: "engine".to_owned(),
            settings: settings.to_owned(),
        }
    }

    #[test]
    fn what_was_sealed_opens() {
        let key = CacheKey::generate().unwrap();
        for code in [&b""[..], b"code"] {
            let sealed = key.seal(&origin("a"), code);
            let opened = key.open(origin("a"), sealed.clone()).unwrap();
            assert_eq!((opened.bytes(), opened.origin()), (code, &origin("a")));
            let stored = CacheKey::from_bytes(key.as_bytes()).unwrap();
            assert!(stored.open(origin("a"), sealed).is_some());
        }
        assert!(CacheKey::from_bytes(&[0; 31]).is_none());
    }

    #[test]
    fn nothing_else_opens() {
        let key = CacheKey::generate().unwrap();
        let sealed = key.seal(&origin("a"), b"code");
        for flipped in 0..sealed.len() * 8 {
            let mut bytes = sealed.clone();
            bytes[flipped / 8] ^= 1 << (flipped % 8);
            assert!(key.open(origin("a"), bytes).is_none(), "bit {flipped}");
        }
        for torn in 0..sealed.len() {
            assert!(key.open(origin("a"), sealed[..torn].to_vec()).is_none());
        }
        let longer = [&sealed[..], &[0]].concat();
        assert!(key.open(origin("a"), longer).is_none());
        assert!(key.open(origin("b"), sealed.clone()).is_none(), "moved");
        let other = CacheKey::generate().unwrap();
        assert!(
            other.open(origin("a"), sealed).is_none(),
            "of another owner"
        );
    }

    #[test]
    fn no_two_origins_are_encoded_alike() {
        let moved = CodeOrigin {
            engine: "enginea".to_owned(),
            settings: String::new(),
            ..origin("")
        };
        assert_ne!(origin("a").encoded(), moved.encoded());
        assert_ne!(origin("a").id(), moved.id());
    }
}
