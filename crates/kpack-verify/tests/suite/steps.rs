//! The order in which a pack is judged: who fails at one step has passed all before it.

use kpack_verify::{PackBytes, PackParts, Step, sha256};
use serde_json::{Value, json};

use crate::support::{Draft, key, now, trust, trust_json};

/// Spoils a pack and a trust file so that one step more is not passed.
type Spoil = fn(&mut Draft, &mut Value);

const SPOILS: [(Step, Spoil); 7] = [
    (Step::Digests, |draft, _| {
        draft.files.clear();
    }),
    (Step::Allow, |_, trust| {
        trust["allow"] = json!({"other": {}})
    }),
    (Step::Expiry, |draft, _| {
        draft.manifest["expires"] = json!("2026-02-01T00:00:00Z");
    }),
    (Step::Author, |draft, _| {
        draft.manifest["author"]["signing_key"] = json!(key(9).public_key().to_string());
    }),
    (Step::Scope, |_, trust| {
        trust["keys"][0]["packs"] = json!(["mistral-*"]);
    }),
    (Step::Manifest, |draft, _| {
        draft.manifest["name"] = json!("Not A Name")
    }),
    (Step::Signatures, |_, trust| {
        trust["keys"][0]["not_after"] = json!("2026-02-01T00:00:00Z");
    }),
];

/// Spoiled in ever earlier steps, a pack fails at the earliest each time.
#[test]
fn the_first_step_that_is_not_passed_is_the_one_that_is_named() {
    let (mut draft, mut file) = (Draft::new(), trust_json(&[&key(1)]));
    let failed = |parts: &PackParts, file: &Value| {
        let pack = PackBytes::new(parts.clone()).unwrap();
        trust(file)
            .verify(pack, now())
            .err()
            .map(|error| error.step())
    };
    assert_eq!(failed(&draft.signed(&[&key(1)]), &file), None);
    for (step, spoil) in SPOILS {
        spoil(&mut draft, &mut file);
        assert_eq!(failed(&draft.signed(&[&key(1)]), &file), Some(step));
    }
    let parts = draft.signed(&[&key(1)]);
    file["revoked_manifests"] = json!([sha256(&parts.manifest).to_string()]);
    assert_eq!(failed(&parts, &file), Some(Step::Revocation));
    file["expires"] = json!("2026-02-01T00:00:00Z");
    assert_eq!(failed(&parts, &file), Some(Step::Trust));
}

#[test]
fn every_step_is_listed_once_in_order() {
    assert!(Step::ALL.is_sorted());
    let names: std::collections::BTreeSet<_> = Step::ALL.iter().map(|step| step.name()).collect();
    assert_eq!(names.len(), Step::ALL.len());
    let proofs = Step::ALL.iter().map(|step| step.proves());
    let proofs: std::collections::BTreeSet<_> = proofs.filter(|words| !words.is_empty()).collect();
    assert_eq!(proofs.len(), Step::ALL.len());
    let judged: Vec<Step> = SPOILS.iter().rev().map(|(step, _)| *step).collect();
    assert_eq!(judged, Step::ALL[3..10]);
}
