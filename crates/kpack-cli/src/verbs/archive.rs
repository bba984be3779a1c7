use std::fs;
use std::io;
use std::path::Path;

use kpack::PackSource;
use kpack_verify::{check_release, sha256};
use serde_json::json;

use crate::args::ArchiveArgs;
use crate::atomic::{self, Made};
use crate::failure::Failure;
use crate::host;
use crate::report::Report;

/// Puts a pack that is ready to be given away into one file.
pub(crate) fn run(args: &ArchiveArgs) -> Result<Report, Failure> {
    if lies_in(&args.out, &args.pack) {
        return Err(Failure::archive_in_pack(&args.out));
    }
    let _lock = atomic::lock_pack(&args.pack);
    let pack = PackSource::open(&args.pack)?.read()?;
    let manifest = check_release(&pack, &host::policy())?;
    let archive = pack.to_archive()?;
    let made =
        atomic::create(&args.out, &archive).map_err(|error| unwritable(&args.out, &error))?;

    let digest = sha256(&archive).to_string();
    let outcome = match made {
        Made::Now => "archived",
        Made::Before => "nothing changed",
    };
    Ok(Report {
        text: format!(
            "{outcome}: {} {}\narchive  {}\nbytes    {}\ndigest   {digest}\n",
            manifest.name(),
            manifest.version(),
            args.out.display(),
            archive.len(),
        ),
        json: json!({
            "pack": manifest.name().as_str(),
            "version": manifest.version().to_string(),
            "archive": args.out.display().to_string(),
            "bytes": archive.len(),
            "digest": digest,
            "changed": made == Made::Now,
        }),
    })
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    let failure = Failure::file("create", path, error);
    if error.kind() == io::ErrorKind::AlreadyExists {
        return failure
            .help("what was given away stays as it is: choose another path, or remove it");
    }
    failure
}

/// Whether a file would be one more in the pack's folder.
fn lies_in(file: &Path, pack: &Path) -> bool {
    let folder = fs::canonicalize(atomic::folder_of(file));
    match (folder, fs::canonicalize(pack)) {
        (Ok(folder), Ok(pack)) => folder.starts_with(pack),
        _ => false,
    }
}
