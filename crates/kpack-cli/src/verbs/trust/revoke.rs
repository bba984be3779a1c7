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
    let keys = args.keys.iter().map(|key| key_text::id("--key", key));
    let keys: Vec<KeyId> = keys.collect::<Result<_, _>>()?;
    let manifests = (args.manifests.iter()).map(|given| key_text::digest("--manifest", given));
    let manifests = manifests.collect::<Result<Vec<_>, _>>()?;
    let (file, report) = edit(&args.trust, |_, draft| {
        for &key in &keys {
            draft.revoke_key(key);
        }
        for &manifest in &manifests {
            draft.revoke_manifest(manifest);
        }
        Ok(())
    })?;
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

/// The number of listed keys that are not revoked.
fn in_service(file: &TrustFile) -> usize {
    let revoked = file.revoked_keys();
    let ids = file.entries().map(|entry| KeyId::of(&entry.key));
    ids.filter(|id| !revoked.contains(id)).count()
}
