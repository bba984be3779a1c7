use std::path::Path;

use kpack::PackDir;
use kpack_verify::{SIGNATURE_FILE, SigningKey, sign_pack};
use serde_json::json;

use crate::args::SignArgs;
use crate::atomic::Target;
use crate::console::Console;
use crate::failure::Failure;
use crate::report::Report;
use crate::{files, host};

/// Adds this key's signature to a pack whose manifest and files are as they should be.
pub(crate) fn run(args: &SignArgs, console: &Console) -> Result<Report, Failure> {
    let key = SigningKey::parse(&files::key(&args.key)?)?;
    warn_if_others_can_read(&args.key, console);
    let pack = PackDir::open(&args.pack)?.read()?;
    let signatures = sign_pack(&pack, &host::policy(), &key)?;
    let path = args.pack.join(SIGNATURE_FILE);
    Target::in_pack(&args.pack, SIGNATURE_FILE)
        .and_then(|file| file.write(signatures.to_json().as_bytes()))
        .map_err(|error| Failure::file("write", &path, &error))?;

    let count = signatures.entries().len();
    let key_id = key.id();
    Ok(Report {
        text: format!(
            "signed: {}\nkey id      {key_id}\nsignatures  {count}\n",
            args.pack.display()
        ),
        json: json!({
            "key_id": key_id.to_string(),
            "public_key": key.public_key().to_string(),
            "signatures": signatures
                .entries()
                .map(|entry| entry.key_id().to_string())
                .collect::<Vec<String>>(),
        }),
    })
}

#[cfg(unix)]
fn warn_if_others_can_read(path: &Path, console: &Console) {
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
fn warn_if_others_can_read(_path: &Path, _console: &Console) {}
