use kpack::{KeyId, TrustFile};

use super::edit::edit;
use crate::args::RevokeArgs;
use crate::console::Console;
use crate::failure::Failure;
use crate::key_text;
use crate::report::Report;

/// Takes keys and manifests out of service. It is never refused, not even where no pack can pass then:
/// that is what an operator asks for whose keys were stolen.
pub(super) fn run(args: &RevokeArgs, console: &Console) -> Result<Report, Failure> {
    if args.keys.is_empty() && args.manifests.is_empty() {
        return Err(Failure::usage(
            "nothing to revoke",
            "give --key KEY or --manifest DIGEST",
        ));
    }
    let named = args.keys.iter().map(|key| key_text::id("--key", key));
    let named: Vec<KeyId> = named.collect::<Result<_, _>>()?;
    let manifests = (args.manifests.iter()).map(|given| key_text::digest("--manifest", given));
    let manifests = manifests.collect::<Result<Vec<_>, _>>()?;
    let mut keys = Vec::new();
    let (file, report) = edit(&args.trust, |before, draft| {
        keys.extend(named.iter().map(|&named| meant(before, named)));
        for &key in &keys {
            draft.revoke_key(key);
        }
        for &manifest in &manifests {
            draft.revoke_manifest(manifest);
        }
        Ok(())
    })?;
    for &key in &keys {
        warn_of_no_effect(&file, key, console);
    }
    let left = in_service(&file);
    if left < file.threshold() {
        console.warn(&format!(
            "no pack passes any more: of the keys that are not revoked there are {left}, and the \
             threshold is {}",
            file.threshold()
        ));
    }
    Ok(report)
}

/// The key that 64 hex digits stand for. They have the form of an id, and a user who copies them out
/// of a public key means that key: no other has its bytes for an id.
fn meant(file: &TrustFile, named: KeyId) -> KeyId {
    let as_key = format!("ed25519:{named}");
    let roots = file.roots().into_iter().flat_map(|roots| roots.keys());
    let mut known = file.entries().map(|entry| entry.key).chain(roots);
    known
        .find(|key| key.to_string() == as_key)
        .map_or(named, |key| KeyId::of(&key))
}

/// Says where a revocation does not do what it seems to do.
fn warn_of_no_effect(file: &TrustFile, key: KeyId, console: &Console) {
    let is_listed = file.entries().any(|entry| KeyId::of(&entry.key) == key);
    if file.roots().is_some_and(|roots| roots.contains(key)) {
        console.warn(&format!(
            "this is a root key, and it decides about the trust file as before: kpack trust rotate \
             --root KEY replaces it: `{key}`"
        ));
    } else if !is_listed {
        console.warn(&format!(
            "this is none of the keys that the file lists: `{key}`"
        ));
    }
}

/// The number of listed keys that are not revoked.
fn in_service(file: &TrustFile) -> usize {
    let revoked = file.revoked_keys();
    let ids = file.entries().map(|entry| KeyId::of(&entry.key));
    ids.filter(|id| !revoked.contains(id)).count()
}
