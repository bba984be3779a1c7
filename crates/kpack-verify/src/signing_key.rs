use std::fmt;

use kpack_schema::PublicKey;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{Ed25519KeyPair, KeyPair};
use zeroize::Zeroizing;

use crate::ed25519::{Domain, Signature, SignedMessage, VerifyingKey};
use crate::{KeyId, SignatureEntry, TrustFile, pem};

/// A private Ed25519 key, as `kpack keygen` makes and `kpack sign` uses it.
///
/// `Debug` shows the key's id and nothing else. The key's PKCS#8 document is wiped from memory when
/// the value is dropped; ring's own expanded copy is not.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    verifying: VerifyingKey,
    pkcs8: Zeroizing<Vec<u8>>,
}

/// Why no private key could be read or made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SigningKeyError {
    /// Not PEM, or not PEM of a `PRIVATE KEY`. Encrypted keys are not read.
    #[error("the private key is not PEM of an unencrypted PKCS#8 document: `{reason}`")]
    Pem {
        /// What was wrong with the envelope.
        reason: String,
    },
    /// Not a PKCS#8 document, not of an Ed25519 key, or its public half belongs to another key.
    #[error("the private key is not PKCS#8 of an Ed25519 key: `{reason}`")]
    Pkcs8 {
        /// What was wrong with the document.
        reason: String,
    },
    /// The operating system gave no randomness.
    #[error("the system's source of randomness failed")]
    Randomness,
}

impl SigningKey {
    /// A new key. The only place in kpack that draws secret randomness, from the operating system.
    ///
    /// # Errors
    /// [`SigningKeyError::Randomness`] if the operating system has none to give.
    pub fn generate() -> Result<Self, SigningKeyError> {
        let mut seed = Zeroizing::new([0; 32]);
        SystemRandom::new()
            .fill(&mut *seed)
            .map_err(|_| SigningKeyError::Randomness)?;
        Ok(Self::from_seed(&seed))
    }

    /// The key that RFC 8032 derives from 32 secret bytes. They must come from a cryptographic
    /// source of randomness; a fixed seed is for tests.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).expect("a seed has 32 bytes");
        let pkcs8 = pkcs8_v2(seed, pair.public_key().as_ref());
        Self::new(pair, pkcs8)
    }

    /// Reads a private key in whichever of the two forms it is stored: PEM, else DER.
    ///
    /// # Errors
    /// [`SigningKeyError::Pem`] or [`SigningKeyError::Pkcs8`].
    pub fn parse(stored: &[u8]) -> Result<Self, SigningKeyError> {
        if pem::is_pem(stored) {
            Self::from_pem(stored)
        } else {
            Self::from_pkcs8_der(stored)
        }
    }

    /// Reads PKCS#8 DER: version 2 as ring writes it, or version 1 as OpenSSL does.
    ///
    /// # Errors
    /// [`SigningKeyError::Pkcs8`].
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, SigningKeyError> {
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map_err(|rejected| {
            SigningKeyError::Pkcs8 {
                reason: rejected.to_string(),
            }
        })?;
        Ok(Self::new(pair, Zeroizing::new(der.to_vec())))
    }

    /// Reads PKCS#8 in a PEM envelope labelled `PRIVATE KEY`: the first one, whatever stands around
    /// it and however its lines are wrapped.
    ///
    /// # Errors
    /// [`SigningKeyError::Pem`] or [`SigningKeyError::Pkcs8`].
    pub fn from_pem(stored: impl AsRef<[u8]>) -> Result<Self, SigningKeyError> {
        let der =
            pem::private_key(stored.as_ref()).map_err(|reason| SigningKeyError::Pem { reason })?;
        Self::from_pkcs8_der(&der)
    }

    /// The PKCS#8 DER document of this key: the one it was read from, or version 2.
    ///
    /// These are the secret bytes; the caller keeps them in a file of mode 0600 and nowhere else.
    #[must_use]
    pub fn to_pkcs8_der(&self) -> &[u8] {
        &self.pkcs8
    }

    /// The public half.
    #[must_use]
    pub const fn public_key(&self) -> PublicKey {
        self.verifying.public_key()
    }

    /// The public half, ready to verify.
    #[must_use]
    pub const fn verifying_key(&self) -> VerifyingKey {
        self.verifying
    }

    /// The id under which this key's signatures are filed.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.verifying.id()
    }

    /// Signs the exact bytes of a `kernels.json`. Ed25519 is deterministic: the same bytes give the
    /// same entry.
    #[must_use]
    pub fn sign_manifest(&self, manifest: &[u8]) -> SignatureEntry {
        self.sign(&SignedMessage::new(Domain::Manifest, manifest))
    }

    /// Signs the exact text of a `trust.json`, as one of its root keys.
    #[must_use]
    pub fn sign_trust(&self, file: &TrustFile) -> SignatureEntry {
        self.sign(&file.message())
    }

    pub(crate) fn sign(&self, message: &SignedMessage) -> SignatureEntry {
        let bytes = self.pair.sign(message.as_bytes());
        let bytes = bytes
            .as_ref()
            .try_into()
            .expect("an Ed25519 signature has 64 bytes");
        SignatureEntry::new(self.id(), Signature::from_bytes(bytes))
    }

    fn new(pair: Ed25519KeyPair, pkcs8: Zeroizing<Vec<u8>>) -> Self {
        let public = pair
            .public_key()
            .as_ref()
            .try_into()
            .expect("a public key has 32 bytes");
        let verifying = VerifyingKey::try_from(PublicKey::from_bytes(public))
            .expect("a clamped multiple of the base point is canonical and of large order");
        Self {
            pair,
            verifying,
            pkcs8,
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("id", &self.id())
            .finish_non_exhaustive()
    }
}

/// RFC 5958 `OneAsymmetricKey` version 2, byte for byte as ring writes it.
fn pkcs8_v2(seed: &[u8; 32], public: &[u8]) -> Zeroizing<Vec<u8>> {
    const BEFORE_SEED: [u8; 16] = [
        0x30, 0x51, 0x02, 0x01, 0x01, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04,
        0x20,
    ];
    const BEFORE_PUBLIC: [u8; 3] = [0x81, 0x21, 0x00];
    Zeroizing::new([&BEFORE_SEED, seed.as_slice(), &BEFORE_PUBLIC, public].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seed of RFC 8410's example key, with its published documents.
    const RFC8410_V1: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
";
    const RFC8410_PUBLIC: &str =
        "ed25519:19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1";

    #[test]
    fn our_version_2_is_the_one_that_ring_writes() {
        let ring = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let seed: [u8; 32] = ring.as_ref()[16..48].try_into().unwrap();
        assert_eq!(SigningKey::from_seed(&seed).to_pkcs8_der(), ring.as_ref());
        assert!(Ed25519KeyPair::from_pkcs8(SigningKey::from_seed(&seed).to_pkcs8_der()).is_ok());
    }

    #[test]
    fn both_versions_and_both_forms_are_read() {
        let v1 = SigningKey::parse(RFC8410_V1.as_bytes()).unwrap();
        assert_eq!(v1.public_key().to_string(), RFC8410_PUBLIC);
        assert_eq!(v1.to_pkcs8_der().len(), 48);
        let seed: [u8; 32] = v1.to_pkcs8_der()[16..].try_into().unwrap();
        let v2 = SigningKey::from_seed(&seed);
        for der in [v1.to_pkcs8_der(), v2.to_pkcs8_der()] {
            assert_eq!(
                SigningKey::parse(der).unwrap().public_key(),
                v1.public_key()
            );
            let pem = pem_rfc7468::encode_string("PRIVATE KEY", Default::default(), der).unwrap();
            assert_eq!(
                SigningKey::from_pem(&pem).unwrap().public_key(),
                v1.public_key()
            );
        }
    }

    #[test]
    fn what_is_not_an_ed25519_private_key_is_refused() {
        let key = SigningKey::from_seed(&[1; 32]);
        let mut other_public_half = key.to_pkcs8_der().to_vec();
        *other_public_half.last_mut().unwrap() ^= 1;
        let truncated = &key.to_pkcs8_der()[..80];
        let trailing = [key.to_pkcs8_der(), b"\0"].concat();
        for bad in [
            b"".as_slice(),
            &[1; 32],
            &other_public_half,
            truncated,
            &trailing,
        ] {
            let error = SigningKey::parse(bad).unwrap_err();
            assert!(matches!(error, SigningKeyError::Pkcs8 { .. }), "{error}");
        }
        let labelled = |label| RFC8410_V1.replace("PRIVATE KEY", label);
        let torn = RFC8410_V1[..60].to_owned();
        let two_letters_short = RFC8410_V1.replace("hC\n", "\n");
        let headers = RFC8410_V1.replacen('\n', "\nProc-Type: 4,ENCRYPTED\n\n", 1);
        for (bad, reason) in [
            (
                labelled("ENCRYPTED PRIVATE KEY"),
                "labelled ENCRYPTED PRIVATE KEY",
            ),
            (labelled("PUBLIC KEY"), "labelled PUBLIC KEY"),
            (labelled("\u{1b}[31m"), "no -----BEGIN PRIVATE KEY-----"),
            (torn, "no -----END PRIVATE KEY-----"),
            (two_letters_short, "`"),
            (headers, "`"),
        ] {
            let error = SigningKey::parse(bad.as_bytes()).unwrap_err();
            assert!(matches!(error, SigningKeyError::Pem { .. }), "{error}");
            assert!(error.to_string().contains(reason), "{error}");
        }
        assert!(SigningKey::from_pem("").is_err());
    }

    #[test]
    fn pem_is_read_as_common_tools_write_it() {
        let v2 = SigningKey::from_seed(&[7; 32]);
        let pem = |der| pem_rfc7468::encode_string("PRIVATE KEY", Default::default(), der).unwrap();
        for (key, pem) in [
            (RFC8410_PUBLIC.to_owned(), RFC8410_V1.to_owned()),
            (v2.public_key().to_string(), pem(v2.to_pkcs8_der())),
        ] {
            let body = pem.lines().filter(|line| !line.starts_with('-'));
            let body: String = body.collect();
            let wrapped = |width: usize| {
                let lines = body.as_bytes().chunks(width).map(String::from_utf8_lossy);
                let lines: Vec<_> = lines.collect();
                format!(
                    "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
                    lines.join("\n")
                )
            };
            let attributes =
                b"Bag Attributes\n    friendlyName: K\xfchn\nKey Attributes: <No Attributes>\n";
            for stored in [
                format!("\n\n  {pem}\n\n").into_bytes(),
                pem.replace('\n', "\r\n").into_bytes(),
                pem.trim_end().into(),
                format!("\u{feff}{pem}").into_bytes(),
                wrapped(76).into_bytes(),
                wrapped(1).into_bytes(),
                wrapped(1000).into_bytes(),
                wrapped(60).replace('\n', "\n\n").into_bytes(),
                [attributes.as_slice(), pem.as_bytes()].concat(),
                format!("{pem}ED25519 Private-Key:\npriv:\n    00:\n").into_bytes(),
                format!("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n{pem}")
                    .into_bytes(),
            ] {
                let read = SigningKey::parse(&stored).unwrap();
                assert_eq!(
                    read.public_key().to_string(),
                    key,
                    "{}",
                    stored.escape_ascii()
                );
            }
        }
    }

    /// Written by OpenSSL 3.0: `openssl genpkey -algorithm ed25519 -text`.
    #[test]
    fn a_key_of_openssl_is_read() {
        let stored = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIOlu/Zq/YoYp9jGS8HRh2alOJDO+WjL6hnXD1LZj+Fxb
-----END PRIVATE KEY-----
ED25519 Private-Key:
priv:
    e9:6e:fd:9a:bf:62:86:29:f6:31:92:f0:74:61:d9:
";
        let key = SigningKey::parse(stored.as_bytes()).unwrap();
        assert_eq!(key.to_pkcs8_der()[..8], [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6]);
    }

    #[test]
    fn debug_output_shows_no_secret() {
        let key = SigningKey::from_seed(&[0xa5; 32]);
        let shown = format!("{key:?}");
        assert_eq!(
            shown,
            format!("SigningKey {{ id: KeyId({}), .. }}", key.id())
        );
        assert!(!shown.contains("a5a5") && !shown.contains("165, 165"));
    }

    #[test]
    fn generated_keys_differ() {
        let keys = [
            SigningKey::generate().unwrap(),
            SigningKey::generate().unwrap(),
        ];
        assert_ne!(keys[0].public_key(), keys[1].public_key());
    }
}
