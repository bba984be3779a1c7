use std::io;
use std::path::Path;

use kpack::{HostState, Roots, TrustFile};
use kpack_verify::{TrustDraft, TrustEntry};
use serde_json::Value;

use super::edit::{Change, GivenRoots, report, set_roots};
use crate::args::InitArgs;
use crate::atomic;
use crate::failure::Failure;
use crate::key_text;
use crate::report::Report;
use crate::state;

/// Makes a first trust file, a state folder, or both.
pub(super) fn run(args: &InitArgs) -> Result<Report, Failure> {
    let roots = GivenRoots::parse(&args.roots)?;
    if roots.keys.is_empty() && roots.threshold.is_some() {
        return Err(Failure::usage(
            "no root keys that a threshold could be of",
            "give --root KEY for each root key",
        ));
    }
    let file = match &args.trust {
        Some(_) if args.keys.is_empty() => {
            return Err(Failure::usage(
                "a trust file without a key trusts nothing",
                "give --key KEY for each key to trust",
            ));
        }
        Some(path) => Some((path, first(args, &roots)?)),
        None if args.state.is_none() || roots.expires.is_some() => {
            return Err(Failure::usage(
                "no trust file to make",
                "name one with --key KEY; --state DIR, with --root KEY or without, can do alone",
            ));
        }
        None => None,
    };
    let first_state = first_state(&roots)?;
    // Both are seen to be missing before either is made.
    if let Some((path, _)) = &file {
        atomic::expect_vacant(path).map_err(|error| not_created(path, &error))?;
    }
    let folder = (args.state.as_ref())
        .map(|folder| state::init(folder, &first_state))
        .transpose()?;
    let mut made = Report {
        text: String::new(),
        json: Value::Object(serde_json::Map::new()),
    };
    if let Some((path, file)) = file {
        atomic::write_new(path, file.text().as_bytes())
            .map_err(|error| not_created(path, &error))?;
        made = report(path, "version 1", &file, Change::First);
    }
    if let Some(folder) = folder {
        let folder = folder.folder().display().to_string();
        let remembers = match first_state.pinned() {
            None => "nothing yet",
            Some(_) => "the root keys",
        };
        made.text
            .push_str(&format!("remembers {remembers}: {folder}\n"));
        made.json["state"] = folder.into();
        made.json["pinned_roots"] = (roots.keys.iter().map(ToString::to_string)).collect();
    }
    Ok(made)
}

/// A state that pins the roots, where any were given.
fn first_state(given: &GivenRoots) -> Result<HostState, Failure> {
    if given.keys.is_empty() {
        return Ok(HostState::default());
    }
    let keys = given.keys.iter().copied();
    Ok(HostState::pinning(Roots::new(
        keys,
        given.threshold.unwrap_or(1),
    )?))
}

fn first(args: &InitArgs, roots: &GivenRoots) -> Result<TrustFile, Failure> {
    let mut draft = TrustDraft::new();
    for key in &args.keys {
        let mut entry = TrustEntry::new(key_text::public("--key", key)?);
        if !args.packs.is_empty() {
            entry.packs.clone_from(&args.packs);
        }
        draft.add_key(entry);
    }
    draft.set_threshold(args.threshold.unwrap_or(1));
    set_roots(&mut draft, roots, None);
    Ok(draft.finish()?)
}

fn not_created(path: &Path, error: &io::Error) -> Failure {
    let failure = Failure::file("create", path, error);
    match error.kind() {
        io::ErrorKind::AlreadyExists => {
            failure.help("trust files are never overwritten: see kpack trust add-key")
        }
        _ => failure,
    }
}
