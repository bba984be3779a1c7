//! No way back: what was accepted is a floor under what comes.

use kpack_verify::{AcceptedPack, FloorError, Floors, PackBytes, SigningKey, Trust, VerifiedPack};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{Draft, key, now, trust, trust_json, trusting};

/// A verified pack of this sequence and version, signed by these keys.
fn release(trust: &Trust, sequence: u64, version: &str, keys: &[&SigningKey]) -> VerifiedPack {
    let draft = Draft::new()
        .author(keys[0])
        .with("/version", json!(version))
        .with("/sequence", json!(sequence));
    let pack = PackBytes::new(draft.signed(keys)).unwrap();
    trust.verify(pack, now()).unwrap()
}

/// The kind in which the pack ends; `ok` if it is accepted, and raises the floor.
fn accept(floors: &mut Floors, trust: &Trust, pack: &VerifiedPack) -> &'static str {
    let accepted = floors
        .admit(pack, trust)
        .and_then(|admission| floors.raise(&admission));
    accepted.map_or_else(|error| error.kind(), |()| "ok")
}

/// The sequence under the pack of the drafts; 0 where there is no floor.
fn floor(floors: &Floors, trust: &Trust) -> u64 {
    let name = "llama-core".parse().unwrap();
    let standing = floors.standing(&name, trust);
    standing.map_or(0, |floor| floor.sequence().get())
}

#[test]
fn a_lower_sequence() {
    let (trust, mut floors) = (trusting(&[&key(1)]), Floors::default());
    let [old, new, newer] = [3, 4, 9].map(|n| release(&trust, n, "1.0.0", &[&key(1)]));
    assert_eq!(accept(&mut floors, &trust, &new), "ok");
    assert_eq!(accept(&mut floors, &trust, &old), "rollback");
    assert_eq!(accept(&mut floors, &trust, &new), "ok", "the same again");
    assert_eq!(accept(&mut floors, &trust, &newer), "ok");
    assert_eq!(accept(&mut floors, &trust, &new), "rollback");
    assert_eq!(floor(&floors, &trust), 9);
    let error = floors.admit(&new, &trust).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a newer llama-core was accepted here, of sequence 9; this one has: `4`"
    );
}

#[test]
fn the_same_sequence_with_another_digest() {
    let (trust, mut floors) = (trusting(&[&key(1)]), Floors::default());
    let first = release(&trust, 4, "1.0.0", &[&key(1)]);
    let other = release(&trust, 4, "1.0.1", &[&key(1)]);
    assert_eq!(accept(&mut floors, &trust, &first), "ok");
    assert_eq!(accept(&mut floors, &trust, &other), "sequence_reused");
    let error = floors.admit(&other, &trust).unwrap_err();
    let FloorError::Reused {
        accepted, found, ..
    } = error
    else {
        panic!("{error}")
    };
    assert_eq!(
        (accepted, found),
        (first.manifest_digest(), other.manifest_digest())
    );
}

#[test]
fn sequence_0_sets_no_floor_and_is_refused_only_above_one() {
    let (trust, mut floors) = (trusting(&[&key(1)]), Floors::default());
    let absent = {
        let parts = Draft::new().signed(&[&key(1)]);
        trust.verify(PackBytes::new(parts).unwrap(), now()).unwrap()
    };
    let zero = release(&trust, 0, "2.0.0", &[&key(1)]);
    let one = release(&trust, 1, "1.0.0", &[&key(1)]);
    for unnumbered in [&absent, &zero, &absent] {
        assert_eq!(accept(&mut floors, &trust, unnumbered), "ok");
        assert_eq!(floors, Floors::default());
    }
    assert_eq!(accept(&mut floors, &trust, &one), "ok");
    for unnumbered in [&absent, &zero] {
        assert_eq!(accept(&mut floors, &trust, unnumbered), "rollback");
    }
}

#[test]
fn sequence_2_to_the_64_minus_1() {
    let (trust, mut floors) = (trusting(&[&key(1)]), Floors::default());
    let last = release(&trust, u64::MAX, "1.0.0", &[&key(1)]);
    let before = release(&trust, u64::MAX - 1, "1.0.0", &[&key(1)]);
    assert_eq!(accept(&mut floors, &trust, &last), "ok");
    assert_eq!(accept(&mut floors, &trust, &last), "ok");
    assert_eq!(accept(&mut floors, &trust, &before), "rollback");
    assert_eq!(floor(&floors, &trust), u64::MAX);
}

#[test]
fn each_pack_name_has_a_floor_of_its_own() {
    let (trust, mut floors) = (trusting(&[&key(1)]), Floors::default());
    let high = release(&trust, 9, "1.0.0", &[&key(1)]);
    assert_eq!(accept(&mut floors, &trust, &high), "ok");
    let draft = Draft::new()
        .with("/name", json!("mistral-core"))
        .with("/sequence", json!(1));
    let other = PackBytes::new(draft.signed(&[&key(1)])).unwrap();
    let other = trust.verify(other, now()).unwrap();
    assert_eq!(accept(&mut floors, &trust, &other), "ok");
    let set: Vec<_> = floors.iter().collect();
    assert_eq!(set.len(), 2);
    assert_eq!(set[1].1.sequence().get(), 1);
}

#[test]
fn looking_does_not_raise_the_floor() {
    let (trust, floors) = (trusting(&[&key(1)]), Floors::default());
    let pack = release(&trust, 9, "1.0.0", &[&key(1)]);
    let _admission = floors.admit(&pack, &trust).unwrap();
    assert_eq!(floors, Floors::default());
}

/// Trust in `key(1)` and `key(2)`, of which these are revoked.
fn two_keys(threshold: u64, revoked: &[&SigningKey]) -> Trust {
    let mut json = trust_json(&[&key(1), &key(2)]);
    json["threshold"] = json!(threshold);
    let ids = revoked.iter().map(|key| json!(key.id().to_string()));
    json["revoked_keys"] = Value::Array(ids.collect());
    trust(&json)
}

#[test]
fn a_stolen_key_cannot_lock_the_repaired_pack_out() {
    let mut floors = Floors::default();
    let before = two_keys(1, &[]);
    let locked = release(&before, u64::MAX, "6.6.6", &[&key(2)]);
    let repaired = release(&before, 5, "1.0.1", &[&key(1)]);
    assert_eq!(accept(&mut floors, &before, &locked), "ok");
    assert_eq!(accept(&mut floors, &before, &repaired), "rollback");

    let after = two_keys(1, &[&key(2)]);
    assert_eq!(
        floor(&floors, &after),
        0,
        "forgotten, and there was none before"
    );
    assert_eq!(accept(&mut floors, &after, &repaired), "ok");
    assert_eq!(floor(&floors, &after), 5);
    let older = release(&after, 4, "1.0.0", &[&key(1)]);
    assert_eq!(accept(&mut floors, &after, &older), "rollback");
}

#[test]
fn the_floor_that_other_keys_set_stands_when_one_is_forgotten() {
    let mut floors = Floors::default();
    let before = two_keys(1, &[]);
    let good = release(&before, 5, "1.0.0", &[&key(1)]);
    let locked = release(&before, u64::MAX, "6.6.6", &[&key(2)]);
    assert_eq!(accept(&mut floors, &before, &good), "ok");
    assert_eq!(accept(&mut floors, &before, &locked), "ok");

    let after = two_keys(1, &[&key(2)]);
    assert_eq!(floor(&floors, &after), 5);
    let older = release(&after, 4, "0.9.0", &[&key(1)]);
    assert_eq!(accept(&mut floors, &after, &older), "rollback");
    let repaired = release(&after, 6, "1.0.1", &[&key(1)]);
    assert_eq!(accept(&mut floors, &after, &repaired), "ok");
    assert_eq!(floor(&floors, &after), 6);
    assert_eq!(floors.iter().count(), 2);
}

#[test]
fn a_refusal_names_who_set_the_floor_and_whether_its_pack_is_revoked() {
    let mut floors = Floors::default();
    let before = two_keys(1, &[]);
    let newest = release(&before, 7, "1.0.0", &[&key(1), &key(2)]);
    let older = release(&before, 6, "1.0.0", &[&key(1)]);
    let another = release(&before, 7, "1.0.1", &[&key(1)]);
    assert_eq!(accept(&mut floors, &before, &newest), "ok");

    let mut json = trust_json(&[&key(1), &key(2)]);
    json["revoked_manifests"] = json!([newest.manifest_digest().to_string()]);
    let after = trust(&json);
    let mut signers = [key(1).id(), key(2).id()];
    signers.sort_unstable();
    for (trust, accepted_pack) in [
        (&before, AcceptedPack::Standing),
        (&after, AcceptedPack::Revoked),
    ] {
        for (pack, kind) in [(&older, "rollback"), (&another, "sequence_reused")] {
            let error = floors.admit(pack, trust).unwrap_err();
            assert_eq!(error.kind(), kind);
            assert_eq!(error.signers(), signers);
            assert_eq!(error.accepted_pack(), accepted_pack, "{kind}");
        }
    }
}

#[test]
fn a_floor_stays_while_enough_of_its_signers_are_not_revoked() {
    let mut floors = Floors::default();
    let before = two_keys(1, &[]);
    let both = release(&before, 7, "1.0.0", &[&key(1), &key(2)]);
    let older = release(&before, 6, "1.0.0", &[&key(1)]);
    assert_eq!(accept(&mut floors, &before, &both), "ok");
    let one_revoked = two_keys(1, &[&key(2)]);
    assert_eq!(accept(&mut floors, &one_revoked, &older), "rollback");
    let two_needed = two_keys(2, &[&key(2)]);
    assert_eq!(floor(&floors, &two_needed), 0);
}

#[test]
fn a_threshold_that_rose_or_a_key_that_was_removed_forgets_no_floor() {
    let mut floors = Floors::default();
    let before = two_keys(1, &[]);
    let pack = release(&before, 7, "1.0.0", &[&key(1)]);
    assert_eq!(accept(&mut floors, &before, &pack), "ok");
    assert_eq!(floor(&floors, &two_keys(2, &[])), 7);
    assert_eq!(floor(&floors, &two_keys(2, &[&key(2)])), 7, "another key");
    assert_eq!(floor(&floors, &trusting(&[&key(2)])), 7, "not listed");
}

#[test]
fn a_co_signature_makes_the_floor_outlive_the_first_signer() {
    let (mut floors, trust) = (Floors::default(), two_keys(1, &[]));
    let alone = release(&trust, 7, "1.0.0", &[&key(1)]);
    let both = release(&trust, 7, "1.0.0", &[&key(1), &key(2)]);
    assert_eq!(alone.manifest_digest(), both.manifest_digest());
    for pack in [&both, &alone] {
        assert_eq!(accept(&mut floors, &trust, pack), "ok");
    }
    let set: Vec<_> = floors.iter().collect();
    assert_eq!(set[0].1.signers().len(), 2, "none is taken away again");
    assert_eq!(floor(&floors, &two_keys(1, &[&key(1)])), 7);
}

#[test]
fn of_two_writers_the_lower_is_refused_once_the_higher_floor_stands() {
    let trust = trusting(&[&key(1)]);
    let [none, low, high] = [0, 3, 4].map(|n| release(&trust, n, "1.0.0", &[&key(1)]));
    let another = release(&trust, 4, "1.0.1", &[&key(1)]);
    let empty = Floors::default();
    let admit = |pack| empty.admit(pack, &trust).unwrap();
    // All were admitted before any of them raised a floor.
    let [none, low, high, another] = [&none, &low, &high, &another].map(admit);

    let mut floors = Floors::default();
    for rising in [&none, &low, &high, &high] {
        floors.raise(rising).unwrap();
    }
    let risen = floors.clone();
    for (late, kind) in [
        (&low, "rollback"),
        (&none, "rollback"),
        (&another, "sequence_reused"),
    ] {
        assert_eq!(floors.raise(late).unwrap_err().kind(), kind);
        assert_eq!(floors, risen);
    }
    assert_eq!(floor(&floors, &trust), 4);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whichever keys are revoked later, the floor is the highest sequence that was accepted from a set
    /// of signers which the revocation leaves standing.
    #[test]
    fn what_is_left_of_the_floors_is_what_the_other_keys_set(
        signed_by in prop::collection::vec(prop::sample::subsequence(vec![1_u8, 2, 3], 1..=3), 1..8),
        revoked in prop::sample::subsequence(vec![1_u8, 2, 3], 0..=3),
        threshold in 1_usize..=2,
    ) {
        let keys = |numbers: &[u8]| numbers.iter().map(|&number| key(number)).collect::<Vec<_>>();
        let everyone = keys(&[1, 2, 3]);
        let mut json = trust_json(&everyone.iter().collect::<Vec<_>>());
        let (before, mut floors) = (trust(&json), Floors::default());
        for (sequence, signers) in (1..).zip(&signed_by) {
            let signers = keys(signers);
            let pack = release(&before, sequence, "1.0.0", &signers.iter().collect::<Vec<_>>());
            prop_assert_eq!(accept(&mut floors, &before, &pack), "ok");
        }
        let ids = keys(&revoked).iter().map(|key| key.id().to_string()).collect::<Vec<_>>();
        json["revoked_keys"] = json!(ids);
        json["threshold"] = json!(threshold);
        let stands = |signers: &[u8]| {
            let left = signers.iter().filter(|number| !revoked.contains(number)).count();
            left == signers.len() || left >= threshold
        };
        let expected = (1..).zip(&signed_by).filter(|(_, signers)| stands(signers));
        let expected = expected.map(|(sequence, _)| sequence).max().unwrap_or(0);
        prop_assert_eq!(floor(&floors, &trust(&json)), expected);
    }

    /// Whatever arrives in whatever order, the floor is the highest accepted sequence, and nothing
    /// is accepted beneath it.
    #[test]
    fn the_floor_is_the_highest_that_was_accepted(
        arriving in prop::collection::vec((0_u64..6, 0_u8..2), 1..12),
    ) {
        let (trust, mut floors) = (trusting(&[&key(1)]), Floors::default());
        let mut highest: Option<(u64, u8)> = None;
        for (sequence, edition) in arriving {
            let pack = release(&trust, sequence, &format!("1.0.{edition}"), &[&key(1)]);
            let found = accept(&mut floors, &trust, &pack);
            let expected = match highest {
                Some((floor, _)) if sequence < floor => "rollback",
                Some((floor, accepted)) if sequence == floor && edition != accepted => {
                    "sequence_reused"
                }
                _ => "ok",
            };
            prop_assert_eq!(found, expected);
            if found == "ok" && sequence > 0 {
                highest = Some((sequence, edition));
            }
            prop_assert_eq!(floor(&floors, &trust), highest.map_or(0, |(floor, _)| floor));
        }
    }
}
