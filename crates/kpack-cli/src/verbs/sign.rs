use std::path::Path;

use kpack::{PackBytes, PackDir, Timestamp};
use kpack_schema::{KernelManifest, PublicKey};
use kpack_verify::{KeyId, SIGNATURE_FILE, SignatureFile, SigningKey, VerifyingKey, sign_pack};
use serde_json::json;

use crate::args::SignArgs;
use crate::atomic::{self, Target};
use crate::console::Console;
use crate::failure::Failure;
use crate::report::Report;
use crate::{files, host};

/// Adds this key's signature to a pack whose manifest and files are as they should be.
pub(crate) fn run(args: &SignArgs, console: &Console) -> Result<Report, Failure> {
    let key = SigningKey::parse(&files::key(&args.key)?)?;
    warn_if_others_can_read(&args.key, console);
    let _lock = atomic::lock_pack(&args.pack);
    let pack = PackDir::open(&args.pack)?.read()?;
    let signatures = sign_pack(&pack, &host::policy(), &key)?;
    let manifest = signed_manifest(&pack);
    warn_if_expired(&manifest, host::now()?, console);
    let path = args.pack.join(SIGNATURE_FILE);
    Target::in_pack(&args.pack, SIGNATURE_FILE)
        .and_then(|file| file.write(signatures.to_json().as_bytes()))
        .map_err(|error| Failure::file("write", &path, &error))?;

    let author = author_key(&manifest);
    let known = [Some(key.verifying_key()), author];
    let entries = Entries::of(&signatures, &known, pack.manifest());
    Ok(report(&args.pack, &key, &entries))
}

/// The entries of a signature file, by what can be known without the keys that made them.
struct Entries {
    /// Those that verify.
    valid: Vec<KeyId>,
    /// Those of keys that are neither here nor in the manifest.
    unknown: Vec<KeyId>,
}

impl Entries {
    fn of(signatures: &SignatureFile, known: &[Option<VerifyingKey>], manifest: &[u8]) -> Self {
        let is_valid = |id: &KeyId| {
            let mut keys = known.iter().flatten();
            keys.any(|key| key.id() == *id && signatures.is_signed_by(key, manifest))
        };
        let ids = signatures.entries().map(|entry| entry.key_id());
        let (valid, unknown) = ids.partition(is_valid);
        Self { valid, unknown }
    }
}

/// The manifest that was just signed.
fn signed_manifest(pack: &PackBytes) -> KernelManifest {
    std::str::from_utf8(pack.manifest())
        .ok()
        .and_then(|text| KernelManifest::from_json(text).ok())
        .expect("what is no manifest was not signed")
}

fn author_key(manifest: &KernelManifest) -> Option<VerifyingKey> {
    let key: PublicKey = manifest.author.signing_key.parse().ok()?;
    VerifyingKey::try_from(key).ok()
}

fn report(pack: &Path, key: &SigningKey, entries: &Entries) -> Report {
    let mut text = format!(
        "signed: {}\nkey id      {}\nsignatures  {} that verify",
        pack.display(),
        key.id(),
        entries.valid.len()
    );
    if !entries.unknown.is_empty() {
        let count = entries.unknown.len();
        text.push_str(&format!(", {count} of keys that are not known here"));
    }
    text.push('\n');
    let ids = |ids: &[KeyId]| -> Vec<String> { ids.iter().map(ToString::to_string).collect() };
    Report {
        text,
        json: json!({
            "key_id": key.id().to_string(),
            "public_key": key.public_key().to_string(),
            "signatures": ids(&entries.valid),
            "unknown_signatures": ids(&entries.unknown),
        }),
    }
}

fn warn_if_expired(manifest: &KernelManifest, now: Timestamp, console: &Console) {
    let expires = manifest.expires.as_deref().map(str::parse::<Timestamp>);
    if let Some(Ok(expires)) = expires
        && expires <= now
    {
        console.warn(&format!(
            "the pack has expired and no host will take it; put a later time into expires: \
             `{expires}`"
        ));
    }
}

#[cfg(unix)]
pub(crate) fn warn_if_others_can_read(path: &Path, console: &Console) {
    use std::os::unix::fs::PermissionsExt;
    let Ok(metadata) = path.metadata() else {
        return;
    };
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        console.warn(&format!(
            "others than its owner may use the private key, as its mode is {mode:04o}; \
             run chmod 600: `{}`",
            path.display()
        ));
    }
}

#[cfg(not(unix))]
pub(crate) fn warn_if_others_can_read(_path: &Path, _console: &Console) {}
