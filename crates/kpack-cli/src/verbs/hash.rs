use kpack::PackDir;
use kpack_schema::{KernelManifest, PackPath};
use kpack_verify::{MANIFEST_FILE, sha256};
use serde_json::{Value, json};

use crate::args::HashArgs;
use crate::atomic::{self, Target};
use crate::failure::Failure;
use crate::report::Report;

/// Fills every digest of a manifest from the files that it names.
pub(crate) fn run(args: &HashArgs) -> Result<Report, Failure> {
    let _lock = atomic::lock_pack(&args.pack);
    let folder = PackDir::open(&args.pack)?;
    let text = String::from_utf8(folder.manifest()?).map_err(|_| Failure::manifest_not_utf8())?;
    let mut manifest = KernelManifest::from_json(&text)?;
    let files = fill(&mut manifest, &folder)?;
    let changed = files.iter().filter(|file| file.changed()).count();
    if changed > 0 {
        let mut text = manifest
            .to_json()
            .map_err(|error| Failure::not_json(&error))?;
        text.push('\n');
        let path = args.pack.join(MANIFEST_FILE);
        Target::in_pack(&args.pack, MANIFEST_FILE)
            .and_then(|manifest| manifest.write(text.as_bytes()))
            .map_err(|error| Failure::file("write", &path, &error))?;
    }
    let outcome = match changed {
        0 => "nothing changed".to_owned(),
        1 => "1 hash changed".to_owned(),
        many => format!("{many} hashes changed"),
    };
    Ok(Report {
        text: format!("{outcome}: {}\n", args.pack.display()),
        json: json!({
            "changed": changed > 0,
            "files": files.iter().map(HashedFile::to_json).collect::<Vec<Value>>(),
        }),
    })
}

/// A place of the manifest that names a file, with the digest that stood there and the right one.
struct HashedFile {
    kernel: String,
    path: String,
    before: String,
    after: String,
}

impl HashedFile {
    fn changed(&self) -> bool {
        self.before != self.after
    }

    fn to_json(&self) -> Value {
        json!({
            "kernel": self.kernel,
            "path": self.path,
            "hash": self.after,
            "changed": self.changed(),
        })
    }
}

fn fill(manifest: &mut KernelManifest, folder: &PackDir) -> Result<Vec<HashedFile>, Failure> {
    let mut files = Vec::new();
    for kernel in &mut manifest.kernels {
        let id = kernel.id.clone();
        for (path, hash) in kernel.hashes_mut() {
            let safe: PackPath = path
                .parse()
                .map_err(|error| Failure::unsafe_path(&id, path, &error))?;
            if safe.is_reserved() {
                return Err(Failure::reserved_path(&id, path));
            }
            let after = sha256(&folder.file(&safe)?).to_string();
            files.push(HashedFile {
                kernel: id.clone(),
                path: path.to_owned(),
                before: std::mem::replace(hash, after.clone()),
                after,
            });
        }
    }
    Ok(files)
}
