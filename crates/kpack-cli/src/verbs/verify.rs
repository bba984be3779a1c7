use kpack::VettedPack;
use serde_json::{Value, json};

use crate::args::VerifyArgs;
use crate::failure::Failure;
use crate::report::Report;
use crate::{files, host};

/// Everything that can be said of a pack without an engine.
pub(crate) fn run(args: &VerifyArgs) -> Result<Report, Failure> {
    let trust = files::trust(&args.trust)?;
    let pack = host::verifier().verify_at(&args.pack, &trust, host::now()?)?;
    Ok(report(&pack))
}

fn report(pack: &VettedPack) -> Report {
    let manifest = pack.manifest();
    let signers: Vec<String> = pack.signers().iter().map(ToString::to_string).collect();
    let kernels: Vec<Value> = pack
        .kernels()
        .map(|kernel| {
            let kernel = kernel.verified();
            json!({
                "id": kernel.checked().id().as_str(),
                "path": kernel.module().path().as_str(),
                "digest": kernel.module().digest().to_string(),
                "variants": kernel.variants().len(),
            })
        })
        .collect();
    let expires = manifest.expires().map(|time| time.to_string());
    let text = format!(
        "verified: {} {}\nmanifest  {}\nsigners   {}\nexpires   {}\nkernels   {}\n",
        manifest.name(),
        manifest.version(),
        pack.manifest_digest(),
        signers.join(", "),
        expires.as_deref().unwrap_or("never"),
        manifest.manifest().kernel_ids().join(", "),
    );
    Report {
        text,
        json: json!({
            "verified": true,
            "pack": manifest.name().as_str(),
            "version": manifest.version().to_string(),
            "sequence": manifest.sequence(),
            "manifest_digest": pack.manifest_digest().to_string(),
            "signers": signers,
            "expires": expires,
            "kernels": kernels,
        }),
    }
}
