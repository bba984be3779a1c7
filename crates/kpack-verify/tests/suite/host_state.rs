//! The form of a host's state, and that nothing damaged is taken for one.

use kpack_verify::{HostState, HostStateError, PackBytes, sha256};
use proptest::prelude::*;
use serde_json::json;

use crate::support::{Draft, key, now, root_signatures, rooted, trust_file, trusting};

/// A state with these floors, and with pinned roots where `rooted`.
fn state(floors: &[(&str, u64)], roots: &[u8]) -> HostState {
    let mut state = HostState::default();
    let trust = trusting(&[&key(1)]);
    for (name, sequence) in floors {
        let draft = Draft::new()
            .with("/name", json!(name))
            .with("/sequence", json!(sequence));
        let pack = PackBytes::new(draft.signed(&[&key(1)])).unwrap();
        let pack = trust.verify(pack, now()).unwrap();
        let admission = state.floors().admit(&pack, &trust).unwrap();
        state.floors_mut().raise(&admission).unwrap();
    }
    if !roots.is_empty() {
        let keys: Vec<_> = roots.iter().map(|&number| key(number)).collect();
        let keys: Vec<_> = keys.iter().collect();
        let file = trust_file(&rooted(3, &keys, 1));
        let signatures = root_signatures(&file, &keys);
        state.prove(file, Some(&signatures)).unwrap();
    }
    state
}

fn full() -> HostState {
    state(&[("llama-core", 7), ("mistral-core", u64::MAX)], &[10, 11])
}

#[test]
fn what_is_pinned_is_the_file_that_was_proven_last() {
    let [ten, eleven] = [key(10), key(11)];
    let file = trust_file(&rooted(3, &[&ten, &eleven], 1));
    let state = full();
    let pinned = state.pinned().unwrap();
    assert_eq!(pinned.version(), 3);
    assert_eq!(pinned.digest(), Some(sha256(file.text().as_bytes())));
    assert!(HostState::default().pinned().is_none());
}

/// A body under its right seal.
fn sealed(body: &str) -> String {
    format!("{body}\n{}\n", sha256(format!("{body}\n").as_bytes()))
}

#[test]
fn the_empty_state_is_three_fields_and_a_digest() {
    let body = "{\n  \"kpack_state\": 1,\n  \"trust\": null,\n  \"floors\": {}\n}";
    assert_eq!(HostState::default().to_text(), sealed(body));
    assert_eq!(
        HostState::from_text(&sealed(body)).unwrap(),
        HostState::default()
    );
}

#[test]
fn every_flipped_bit_and_every_cut_is_noticed() {
    let text = full().to_text();
    assert_eq!(HostState::from_text(&text).unwrap(), full());
    for at in 0..text.len() {
        let cut = HostState::from_text(&text[..at]).unwrap_err();
        assert_eq!(cut, HostStateError::Digest, "{at} bytes");
        for bit in 0..7 {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            let flipped = String::from_utf8(bytes).unwrap();
            assert!(
                HostState::from_text(&flipped).is_err(),
                "byte {at}, bit {bit}"
            );
        }
    }
    for longer in [format!("{text}\n"), format!("{text} "), format!("\n{text}")] {
        assert!(HostState::from_text(&longer).is_err());
    }
    assert!(HostState::from_text("").is_err());
}

#[test]
fn what_is_no_state_under_a_right_digest() {
    let (id, digest) = ("ab".repeat(32), sha256(b"").to_string());
    let floor = |fields: &str| {
        sealed(&format!(
            r#"{{"kpack_state":1,"trust":null,"floors":{{"p":[{{{fields}}}]}}}}"#
        ))
    };
    let good = format!(r#""sequence":1,"manifest":"{digest}","signers":["{id}"]"#);
    assert!(HostState::from_text(&floor(&good)).is_ok());
    for bad in [
        good.replace(":1", ":0"),
        good.replace(":1", ":-1"),
        good.replace(":1", ":18446744073709551616"),
        good.replace("sha256:", "md5:"),
        good.replace(&id, "ab"),
        format!(r#"{good},"extra":1"#),
        r#""sequence":1"#.to_owned(),
    ] {
        let error = HostState::from_text(&floor(&bad)).unwrap_err();
        assert!(matches!(error, HostStateError::Malformed(_)), "{bad}");
    }
    let whole = |body: &str| HostState::from_text(&sealed(body)).unwrap_err();
    let later = whole(r#"{"kpack_state":2,"trust":null,"floors":{}}"#);
    assert_eq!(later, HostStateError::Version { found: 2 });
    let twice = whole(r#"{"kpack_state":1,"trust":null,"floors":{},"floors":{}}"#);
    assert!(matches!(twice, HostStateError::Malformed(_)));
    let roots = format!(
        r#"{{"kpack_state":1,"trust":{{"version":1,"digest":"{digest}","roots":{{"keys":[]}}}},"floors":{{}}}}"#
    );
    assert!(matches!(whole(&roots), HostStateError::Roots(_)));
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(
        floors in prop::collection::btree_map("[a-z0-9][a-z0-9._-]{0,20}", 1_u64.., 0..4),
        roots in prop::collection::btree_set(1_u8..=20, 0..=4),
    ) {
        let floors: Vec<_> = floors.iter().map(|(name, n)| (name.as_str(), *n)).collect();
        let written = state(&floors, &roots.into_iter().collect::<Vec<_>>());
        let read = HostState::from_text(&written.to_text()).unwrap();
        prop_assert_eq!(&read, &written);
        prop_assert_eq!(read.to_text(), written.to_text());
    }

    #[test]
    fn no_text_panics_the_reader(text: String) {
        prop_assert!(HostState::from_text(&text).is_err());
        let _ = HostState::from_text(&sealed(&text));
    }
}
