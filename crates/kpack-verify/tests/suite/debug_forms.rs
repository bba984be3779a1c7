//! What is shown of keys and signatures by those who debug: their ids and texts, nothing secret.

use crate::support::{key, trusting};

#[test]
fn a_signature_is_shown_by_its_hex() {
    let signature = key(1).sign_manifest(b"manifest").signature();
    assert_eq!(format!("{signature:?}"), format!("Signature({signature})"));
}

#[test]
fn a_trust_file_is_shown_by_its_keys_and_threshold() {
    let shown = format!("{:?}", trusting(&[&key(1), &key(2)]));
    for id in [key(1).id(), key(2).id()] {
        assert!(shown.contains(&id.to_string()), "{shown}");
    }
    assert!(shown.contains("threshold: 1"), "{shown}");
}
