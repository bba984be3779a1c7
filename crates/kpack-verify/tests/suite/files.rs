//! Files that are not the ones that were signed.

use kpack_verify::{FilesError, VerifyError, sha256};
use serde_json::json;

use crate::support::{Draft, PLAIN, SHARED, key, path, trusting, verify};

fn refusal(draft: &Draft) -> VerifyError {
    verify(&trusting(&[&key(1)]), draft.signed(&[&key(1)])).unwrap_err()
}

#[test]
fn a_swapped_wasm() {
    let mut draft = Draft::new();
    draft
        .files
        .insert(path("third/plain.wasm"), SHARED.to_vec());
    let error = refusal(&draft);
    assert_eq!(error.kind(), "digest_mismatch");
    assert_eq!(
        error.to_string(),
        "digest of third/plain.wasm does not match for kernel: `third`"
    );
    let VerifyError::Files(FilesError::DigestMismatch {
        declared, found, ..
    }) = error
    else {
        panic!("a digest mismatch")
    };
    assert_eq!((declared, found), (sha256(PLAIN), sha256(SHARED)));
}

#[test]
fn a_flipped_bit_in_each_byte_of_each_file() {
    for (path, bytes) in Draft::new().files {
        for at in 0..bytes.len() {
            let mut draft = Draft::new();
            draft.files.get_mut(&path).unwrap()[at] ^= 1 << (at % 8);
            assert_eq!(
                refusal(&draft).kind(),
                "digest_mismatch",
                "{path}, byte {at}"
            );
        }
    }
}

#[test]
fn a_truncated_an_extended_and_an_empty_file() {
    for (path, bytes) in Draft::new().files {
        let longer = [bytes.as_slice(), b"\0"].concat();
        for changed in [Vec::new(), bytes[1..].to_vec(), longer] {
            let mut draft = Draft::new();
            draft.files.insert(path.clone(), changed);
            assert_eq!(refusal(&draft).kind(), "digest_mismatch", "{path}");
        }
    }
}

#[test]
fn a_missing_file_is_told_apart() {
    for missing in Draft::new().files.keys() {
        let mut draft = Draft::new();
        draft.files.remove(missing);
        let error = refusal(&draft);
        assert_eq!(
            (error.kind(), error.missing_file()),
            ("missing_file", Some(missing))
        );
    }
    let mut swapped = Draft::new();
    swapped.files.insert(path("shared.wasm"), Vec::new());
    assert_eq!(refusal(&swapped).missing_file(), None);
}

#[test]
fn an_extra_file() {
    for extra in ["readme.md", "third/extra.wasm", "zzz"] {
        let mut draft = Draft::new();
        draft.files.insert(path(extra), Vec::new());
        let error = refusal(&draft);
        assert_eq!(error.kind(), "undeclared_file");
        assert_eq!(
            error.to_string(),
            format!("the manifest does not declare the file: `{extra}`")
        );
    }
}

/// An old module in a new manifest: its signature was good, its digest is another.
#[test]
fn an_old_wasm_in_a_new_manifest() {
    let old = Draft::new();
    let mut new = Draft::new()
        .with("/version", json!("2.0.0"))
        .with("/kernels/2/hash", json!(sha256(b"new").to_string()));
    new.files.insert(path("third/plain.wasm"), b"new".to_vec());
    assert!(verify(&trusting(&[&key(1)]), new.signed(&[&key(1)])).is_ok());
    new.files.insert(
        path("third/plain.wasm"),
        old.files["third/plain.wasm"].clone(),
    );
    assert_eq!(refusal(&new).kind(), "digest_mismatch");
}

#[test]
fn one_path_declared_with_two_digests_is_never_served() {
    let draft = Draft::new().with("/kernels/1/hash", json!(sha256(PLAIN).to_string()));
    for bytes in [SHARED, PLAIN] {
        let mut draft = draft.clone();
        draft.files.insert(path("shared.wasm"), bytes.to_vec());
        let kind = refusal(&draft).kind();
        assert!(
            ["invalid_manifest", "digest_mismatch"].contains(&kind),
            "{kind}"
        );
    }
}
