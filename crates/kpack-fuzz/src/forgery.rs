//! Packs that nobody who is trusted has signed.

use std::collections::BTreeMap;

use kpack_differential::Chance;
use kpack_verify::{
    KeyId, PackBytes, PackParts, Signature, SignatureEntry, SignatureFile, SigningKey,
};
use serde_json::{Value, json};

use crate::Signer;

/// A forger with one signed pack of an honest author's to start from, and a key of his own.
pub struct Forger {
    honest: Signer,
    genuine: PackParts,
    entry: SignatureEntry,
    /// The signature of another manifest by the same author.
    other: SignatureEntry,
    own: SigningKey,
    chance: Chance,
}

/// What forgeries came to, by the way in which they were made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Forgeries {
    /// How many were judged.
    pub judged: BTreeMap<&'static str, u64>,
    /// The kinds of refusal, over all.
    pub refusals: BTreeMap<&'static str, u64>,
    /// How many were accepted: what must stay 0.
    pub accepted: u64,
}

/// The order of the curve's base point, little-endian (RFC 8032).
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

type Forge = fn(&mut Forger) -> PackParts;

/// Every way.
const WAYS: [(&str, Forge); 12] = [
    ("a bit of the signature flipped", Forger::flipped_signature),
    ("a bit of the manifest flipped", Forger::flipped_manifest),
    ("the manifest edited as JSON", Forger::edited_manifest),
    ("the manifest written anew", Forger::reformatted_manifest),
    ("S + L", Forger::scalar_plus_order),
    ("a random signature", Forger::random_signature),
    ("a small-order R and S of 0", Forger::small_order),
    ("halves of two signatures", Forger::spliced),
    (
        "a signature of another manifest",
        Forger::of_another_manifest,
    ),
    (
        "signed by another key under the author's id",
        Forger::under_the_authors_id,
    ),
    (
        "signed by another key that the manifest names",
        Forger::self_asserted,
    ),
    ("the file replaced", Forger::replaced_file),
];

impl Forger {
    /// A forger whose attempts follow from a seed.
    ///
    /// # Panics
    ///
    /// Never: the honest pack is a plain one.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let honest = Signer::new();
        let genuine = honest.signed(MODULE, &json!({})).expect("a plain pack");
        let renamed = json!({"name": "Another kernel"});
        let other = honest.signed(MODULE, &renamed).expect("a plain pack");
        let forger = Self {
            entry: honest.key().sign_manifest(&genuine.manifest),
            other: honest.key().sign_manifest(&other.manifest),
            own: SigningKey::from_seed(&[9; 32]),
            honest,
            genuine,
            chance: Chance::new(seed),
        };
        assert!(
            forger.judge(forger.genuine.clone()).is_ok(),
            "the genuine pack is accepted"
        );
        forger
    }

    /// Makes and judges so many forgeries, in every way by turns.
    ///
    /// # Panics
    ///
    /// When what was made is the genuine pack.
    pub fn run(&mut self, count: u64) -> Forgeries {
        let mut forgeries = Forgeries::default();
        for (_, (way, forge)) in (0..count).zip(WAYS.iter().cycle()) {
            let parts = forge(self);
            let same = parts.manifest == self.genuine.manifest
                && parts.signature == self.genuine.signature
                && parts.files == self.genuine.files;
            assert!(!same, "{way}: this is the genuine pack");
            *forgeries.judged.entry(way).or_default() += 1;
            match self.judge(parts) {
                Ok(()) => forgeries.accepted += 1,
                Err(kind) => *forgeries.refusals.entry(kind).or_default() += 1,
            }
        }
        forgeries
    }

    fn judge(&self, parts: PackParts) -> Result<(), &'static str> {
        let pack = PackBytes::new(parts).map_err(|error| error.kind())?;
        let judged = self.honest.judge(pack);
        judged.map(drop).map_err(|error| error.kind())
    }

    /// The genuine pack with another signature under the author's id.
    fn with_signature(&self, signature: [u8; 64]) -> PackParts {
        let id = self.honest.key().id();
        self.with_entry(SignatureEntry::new(id, Signature::from_bytes(signature)))
    }

    fn with_entry(&self, entry: SignatureEntry) -> PackParts {
        PackParts {
            signature: Some(SignatureFile::new(entry).to_json().into()),
            ..self.genuine.clone()
        }
    }

    /// The genuine pack with another manifest under the genuine signature.
    fn with_manifest(&self, manifest: Vec<u8>) -> PackParts {
        PackParts {
            manifest,
            ..self.genuine.clone()
        }
    }

    fn flip(&mut self, bytes: &mut [u8]) {
        for _ in 0..=self.chance.below(3) {
            let at = self.chance.below(bytes.len());
            bytes[at] ^= 1 << self.chance.below(8);
        }
    }

    fn flipped_signature(&mut self) -> PackParts {
        let genuine = *self.entry.signature().as_bytes();
        let mut signature = genuine;
        while signature == genuine {
            self.flip(&mut signature);
        }
        self.with_signature(signature)
    }

    fn flipped_manifest(&mut self) -> PackParts {
        let mut manifest = self.genuine.manifest.clone();
        while manifest == self.genuine.manifest {
            self.flip(&mut manifest);
        }
        self.with_manifest(manifest)
    }

    /// A document that would be taken, if it were signed.
    fn edited_manifest(&mut self) -> PackParts {
        let mut manifest = self.manifest();
        let limits = &mut manifest["kernels"][0]["resource_limits"];
        limits["max_memory_pages"] = json!(1 + self.chance.below(16_000));
        limits["max_epoch_ticks"] = json!(1 + self.chance.below(6_000));
        manifest["sequence"] = json!(self.chance.next());
        self.with_manifest(manifest.to_string().into_bytes())
    }

    /// The same document in other bytes.
    fn reformatted_manifest(&mut self) -> PackParts {
        let mut manifest = self.genuine.manifest.clone();
        // Between two tokens: behind a comma outside of any text.
        let commas: Vec<usize> = (1..manifest.len())
            .filter(|&at| manifest[at - 1] == b',' && manifest[at] == b'"')
            .collect();
        for _ in 0..=self.chance.below(40) {
            manifest.insert(self.chance.pick(&commas), self.chance.pick(b" \t\n\r"));
            // Later places have moved; the first ones come last.
            if self.chance.once_in(2) {
                break;
            }
        }
        self.with_manifest(manifest)
    }

    fn scalar_plus_order(&mut self) -> PackParts {
        let mut signature = *self.entry.signature().as_bytes();
        let times = 1 + self.chance.below(7);
        for _ in 0..times {
            let mut carry = 0_u16;
            for (digit, add) in signature[32..].iter_mut().zip(ORDER) {
                let sum = u16::from(*digit) + u16::from(add) + carry;
                [*digit, _] = sum.to_le_bytes();
                carry = sum >> 8;
            }
        }
        self.with_signature(signature)
    }

    fn random_signature(&mut self) -> PackParts {
        let bytes = self.chance.bytes(64);
        let mut signature: [u8; 64] = bytes.try_into().expect("64 bytes");
        if self.chance.once_in(2) {
            // Below the order, so that the equation itself is judged.
            signature[63] &= 0x0f;
        }
        self.with_signature(signature)
    }

    /// What every message is signed with under a small-order key.
    fn small_order(&mut self) -> PackParts {
        let mut signature = [0; 64];
        signature[0] = self.chance.pick(&[0, 1, 0xec, 0xed, 0xee]);
        if signature[0] > 1 {
            signature[1..31].fill(0xff);
            signature[31] = 0x7f;
        }
        signature[31] |= self.chance.pick(&[0, 0x80]);
        signature[32] = u8::from(self.chance.once_in(2));
        let mut parts = self.with_signature(signature);
        // Any message will do.
        if self.chance.once_in(2) {
            parts.manifest = self.edited_manifest().manifest;
        }
        parts
    }

    fn spliced(&mut self) -> PackParts {
        let mut signature = *self.entry.signature().as_bytes();
        let other = self.other.signature();
        let from = 1 + self.chance.below(63);
        signature[from..].copy_from_slice(&other.as_bytes()[from..]);
        self.with_signature(signature)
    }

    fn of_another_manifest(&mut self) -> PackParts {
        let mut parts = self.edited_manifest();
        let entry = if self.chance.once_in(2) {
            self.other
        } else {
            self.entry
        };
        parts.signature = Some(SignatureFile::new(entry).to_json().into());
        parts
    }

    fn under_the_authors_id(&mut self) -> PackParts {
        let mut parts = self.edited_manifest();
        let signature = self.own.sign_manifest(&parts.manifest).signature();
        let entry = SignatureEntry::new(self.honest.key().id(), signature);
        parts.signature = Some(SignatureFile::new(entry).to_json().into());
        parts
    }

    fn self_asserted(&mut self) -> PackParts {
        let mut manifest = self.manifest();
        manifest["author"]["signing_key"] = json!(self.own.public_key().to_string());
        manifest["sequence"] = json!(self.chance.next());
        let mut parts = self.with_manifest(manifest.to_string().into_bytes());
        let mut file = SignatureFile::new(self.own.sign_manifest(&parts.manifest));
        if self.chance.once_in(2) {
            let id = KeyId::of(&self.honest.key().public_key());
            let stale = SignatureEntry::new(id, self.entry.signature());
            file.upsert(stale).expect("two entries");
        }
        parts.signature = Some(file.to_json().into());
        parts
    }

    fn replaced_file(&mut self) -> PackParts {
        let mut parts = self.genuine.clone();
        for file in parts.files.values_mut() {
            let genuine = file.clone();
            while *file == genuine {
                self.flip(file);
            }
        }
        parts
    }

    fn manifest(&self) -> Value {
        serde_json::from_slice(&self.genuine.manifest).expect("the genuine manifest is JSON")
    }
}

const MODULE: &[u8] = b"\0asm\x01\0\0\0";
