use kpack::TrustOnDisk;
use kpack_verify::{SignatureFile, SigningKey};
use serde_json::json;

use crate::args::SignTrustArgs;
use crate::atomic::{self, Target};
use crate::console::Console;
use crate::failure::Failure;
use crate::files;
use crate::report::Report;

/// Adds this key's signature to those of a trust file.
pub(super) fn run(args: &SignTrustArgs, console: &Console) -> Result<Report, Failure> {
    let key = SigningKey::parse(&files::key(&args.key)?)?;
    crate::verbs::sign::warn_if_others_can_read(&args.key, console);
    let _lock = atomic::lock_beside(&args.trust);
    let on_disk = TrustOnDisk::read(&args.trust)?;
    let file = on_disk.file();
    let roots = (file.roots()).ok_or_else(|| Failure::nothing_to_sign(&args.trust))?;
    if !roots.contains(key.id()) {
        console.note(
            "this is none of the file's own root keys: its signature counts only on hosts that have \
             pinned it",
        );
    }
    let entry = key.sign_trust(file);
    let signatures = match on_disk.signatures() {
        None => SignatureFile::new(entry),
        Some(bytes) => {
            let mut signatures = SignatureFile::parse(bytes).map_err(malformed)?;
            signatures.upsert(entry).map_err(malformed)?;
            signatures
        }
    };
    let path = TrustOnDisk::signature_path(&args.trust);
    Target::output(&path)
        .and_then(|target| target.write(signatures.to_json().as_bytes()))
        .map_err(|error| Failure::file("write", &path, &error))?;

    let (signed, needed) = (file.root_signers(&signatures), roots.threshold());
    Ok(Report {
        text: format!(
            "signed: {}\nkey id      {}\nroots       {} of its own have signed, {needed} must\n",
            args.trust.display(),
            key.id(),
            signed.len(),
        ),
        json: json!({
            "trust": args.trust.display().to_string(),
            "version": file.version(),
            "key_id": key.id().to_string(),
            "own_root": roots.contains(key.id()),
            "root_signatures": signed.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "root_threshold": needed,
        }),
    })
}

fn malformed(error: kpack_verify::SignatureFileError) -> Failure {
    kpack::TrustProofError::from(error).into()
}
