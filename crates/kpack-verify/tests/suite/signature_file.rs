//! The form of `kernels.json.sig`.

use std::collections::BTreeMap;

use kpack_verify::{Signature, SignatureEntry, SignatureFile, SignatureFileError};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::key;

fn entry(number: u8) -> SignatureEntry {
    key(number).sign_manifest(b"{}")
}

fn wire(entry: &SignatureEntry) -> Value {
    json!({"key_id": entry.key_id().to_string(), "sig": entry.signature().to_string()})
}

/// A good file's JSON, for a test to spoil.
fn good() -> Value {
    json!({"kpack_signature": 1, "signatures": [wire(&entry(1)), wire(&entry(2))]})
}

fn with(pointer: &str, value: Value) -> Value {
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    let mut json = good();
    json.pointer_mut(parent).unwrap()[field] = value;
    json
}

fn refusal(json: &Value) -> SignatureFileError {
    SignatureFile::parse(json.to_string().as_bytes()).unwrap_err()
}

#[test]
fn the_file_is_sorted_pretty_and_ends_in_a_newline() {
    let mut file = SignatureFile::new(entry(1));
    file.upsert(entry(2)).unwrap();
    let mut entries = [entry(1), entry(2)];
    entries.sort_by_key(SignatureEntry::key_id);
    let [low, high] = entries.map(|entry| {
        format!(
            "    {{\n      \"key_id\": \"{}\",\n      \"sig\": \"{}\"\n    }}",
            entry.key_id(),
            entry.signature()
        )
    });
    let expected =
        format!("{{\n  \"kpack_signature\": 1,\n  \"signatures\": [\n{low},\n{high}\n  ]\n}}\n");
    assert_eq!(file.to_json(), expected);
    assert_eq!(SignatureFile::parse(expected.as_bytes()).unwrap(), file);
}

#[test]
fn the_form_of_the_design_is_read() {
    let text = good().to_string();
    let file = SignatureFile::parse(text.as_bytes()).unwrap();
    assert_eq!(file.signature(key(1).id()), Some(&entry(1).signature()));
    assert_eq!(file.signature(key(3).id()), None);
}

#[test]
fn signatures_of_other_lengths_and_spellings() {
    let signature = entry(1).signature().to_string();
    let cases = [
        String::new(),
        "ab".repeat(63),
        "ab".repeat(65),
        signature.to_uppercase(),
        signature.replacen(|_| true, "g", 1),
        format!(" {signature}"),
        format!("0x{}", &signature[2..]),
    ];
    for case in cases {
        let SignatureFileError::Json(error) = refusal(&with("/signatures/0/sig", json!(case)))
        else {
            panic!("malformed: {case}")
        };
        assert_eq!(error.pointer(), "/signatures/0/sig", "{case}");
    }
}

#[test]
fn key_ids_of_other_lengths_and_spellings() {
    let id = key(1).id().to_string();
    let upper = id.to_uppercase();
    for case in [
        "",
        &id[2..],
        &upper,
        &format!("{id}00"),
        &format!("sha256:{id}"),
    ] {
        let SignatureFileError::Json(error) = refusal(&with("/signatures/0/key_id", json!(case)))
        else {
            panic!("malformed: {case}")
        };
        assert_eq!(error.pointer(), "/signatures/0/key_id", "{case}");
    }
}

#[test]
fn fields_and_versions_that_are_not_of_the_format() {
    let unknown = [
        (with("/extra", json!(1)), "/extra"),
        (with("/signatures/1/extra", json!(1)), "/signatures/1/extra"),
        (with("/kpack_signature", json!("1")), "/kpack_signature"),
        (with("/kpack_signature", json!(1.0)), "/kpack_signature"),
        (with("/signatures", json!({})), "/signatures"),
        (json!({"kpack_signature": 1}), ""),
        (json!({"signatures": []}), ""),
        (json!([1, []]), ""),
    ];
    for (json, pointer) in unknown {
        let SignatureFileError::Json(error) = refusal(&json) else {
            panic!("malformed: {json}")
        };
        assert_eq!(error.pointer(), pointer, "{json}");
    }
    for version in [0, 2, u64::MAX] {
        let error = refusal(&with("/kpack_signature", json!(version)));
        assert!(matches!(error, SignatureFileError::Version { found } if found == version));
    }
}

#[test]
fn repeated_fields_and_trailing_data() {
    let good = good().to_string();
    let repeated = good.replacen('{', "{\"kpack_signature\":1,", 1);
    let trailing = format!("{good}x");
    let nul = format!("{good}\0");
    let bom = format!("\u{feff}{good}");
    for text in [repeated, trailing, nul, bom, String::new()] {
        let error = SignatureFile::parse(text.as_bytes()).unwrap_err();
        assert!(matches!(error, SignatureFileError::Json(_)), "{text}");
    }
    let error = SignatureFile::parse(b"\xff").unwrap_err();
    assert!(matches!(error, SignatureFileError::NotUtf8(_)));
}

#[test]
fn none_and_17_entries() {
    let of = |count: u8| {
        let entries = (0..count).map(|number| wire(&entry(number)));
        json!({"kpack_signature": 1, "signatures": entries.collect::<Vec<_>>()})
    };
    assert!(matches!(
        refusal(&of(0)),
        SignatureFileError::Count { found: 0 }
    ));
    assert!(matches!(
        refusal(&of(17)),
        SignatureFileError::Count { found: 17 }
    ));
    assert!(SignatureFile::parse(of(1).to_string().as_bytes()).is_ok());
    let mut full = SignatureFile::parse(of(16).to_string().as_bytes()).unwrap();
    assert!(full.upsert(entry(3)).is_ok());
    let before = full.clone();
    let error = full.upsert(entry(17)).unwrap_err();
    assert!(matches!(error, SignatureFileError::Count { found: 17 }));
    assert_eq!(full, before);
}

#[test]
fn a_repeated_key_id() {
    let again = SignatureEntry::new(key(1).id(), entry(2).signature());
    let error = refusal(&with("/signatures", json!([wire(&entry(1)), wire(&again)])));
    assert!(matches!(error, SignatureFileError::RepeatedKey { key_id } if key_id == key(1).id()));
}

#[test]
fn more_than_64_kib() {
    let good = good().to_string();
    let fill = |len: usize| format!("{good}{}", " ".repeat(len - good.len()));
    assert!(SignatureFile::parse(fill(65_536).as_bytes()).is_ok());
    let error = SignatureFile::parse(fill(65_537).as_bytes()).unwrap_err();
    assert!(matches!(
        error,
        SignatureFileError::TooLarge {
            found: 65_537,
            limit: 65_536
        }
    ));
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(seeds in prop::collection::vec(any::<u8>(), 1..=16)) {
        let mut expected = BTreeMap::new();
        let mut file = SignatureFile::new(entry(seeds[0]));
        for seed in seeds {
            expected.insert(entry(seed).key_id(), entry(seed).signature());
            file.upsert(entry(seed)).unwrap();
        }
        let read = SignatureFile::parse(file.to_json().as_bytes()).unwrap();
        prop_assert_eq!(&read, &file);
        prop_assert_eq!(read.to_json(), file.to_json());
        let entries: BTreeMap<_, Signature> =
            read.entries().map(|entry| (entry.key_id(), entry.signature())).collect();
        prop_assert_eq!(entries, expected);
    }

    #[test]
    fn no_bytes_panic_the_parser(bytes: Vec<u8>) {
        let _ = SignatureFile::parse(&bytes);
    }

    #[test]
    fn no_change_of_a_good_file_panics_the_parser(at: prop::sample::Index, byte: u8) {
        let mut bytes = good().to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = SignatureFile::parse(&bytes);
    }
}
