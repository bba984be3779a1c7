use std::fs;
use std::io;
use std::path::Path;

use kpack::{TrustFile, TrustOnDisk};
use kpack_verify::{Roots, SignatureFile, TrustDraft};
use serde_json::{Value, json};

use crate::args::RootsArgs;
use crate::atomic::{self, Target};
use crate::failure::Failure;
use crate::key_text;
use crate::report::Report;

/// Changes a trust file into its next version, and says who has to sign it.
///
/// The file is replaced whole. Signatures of the version before do not hold for the next one, and are
/// removed. Where nothing changes, nothing is written.
pub(super) fn edit(
    path: &Path,
    change: impl FnOnce(&TrustFile, &mut TrustDraft) -> Result<(), Failure>,
) -> Result<(TrustFile, Report), Failure> {
    let _lock = atomic::lock_beside(path);
    let before = TrustOnDisk::read(path)?;
    let mut draft = TrustDraft::of(before.file());
    change(before.file(), &mut draft)?;
    if !draft.is_changed() {
        let report = report(path, "nothing changed", before.file(), Change::None);
        return Ok((before.file().clone(), report));
    }
    let after = draft.finish()?;
    Target::output(path)
        .and_then(|target| target.write(after.text().as_bytes()))
        .map_err(|error| Failure::file("write", path, &error))?;
    remove_signatures(path)?;
    let outcome = format!("version {}", after.version());
    let report = report(path, &outcome, &after, Change::From(&before));
    Ok((after, report))
}

/// Puts roots and expiry into a draft, as far as they were given.
pub(super) fn set_roots(draft: &mut TrustDraft, given: &GivenRoots, before: Option<&Roots>) {
    let threshold = given.threshold.or_else(|| {
        let before = before?.threshold();
        u64::try_from(before).ok()
    });
    if !given.keys.is_empty() {
        draft.set_roots(given.keys.clone(), threshold.unwrap_or(1));
    } else if let (Some(before), Some(threshold)) = (before, given.threshold) {
        draft.set_roots(before.keys().collect(), threshold);
    }
    if given.expires.is_some() {
        draft.set_expires(given.expires);
    }
}

/// What a command line says of roots.
pub(super) struct GivenRoots {
    pub(super) keys: Vec<kpack_schema::PublicKey>,
    pub(super) threshold: Option<u64>,
    pub(super) expires: Option<kpack::Timestamp>,
}

impl GivenRoots {
    pub(super) fn parse(args: &RootsArgs) -> Result<Self, Failure> {
        let keys = args.roots.iter().map(|key| key_text::public("--root", key));
        Ok(Self {
            keys: keys.collect::<Result<_, _>>()?,
            threshold: args.root_threshold,
            expires: key_text::time("--expires", args.expires.as_deref())?,
        })
    }
}

/// What a file was made from.
pub(super) enum Change<'a> {
    /// It stands as it was.
    None,
    /// Nothing: it is the first.
    First,
    /// The version before.
    From(&'a TrustOnDisk),
}

impl Change<'_> {
    /// The roots of the version before.
    fn roots_before(&self) -> Option<&Roots> {
        match self {
            Self::From(before) => before.file().roots(),
            Self::None | Self::First => None,
        }
    }

    /// Whether the version before was never signed itself, so that hosts have pinned the roots of one
    /// before that.
    fn skips_unsigned(&self) -> bool {
        let Self::From(before) = self else {
            return false;
        };
        let signatures = before.signatures().map(SignatureFile::parse);
        let is_signed = matches!(signatures, Some(Ok(signatures))
            if !before.file().root_signers(&signatures).is_empty());
        before.file().roots().is_some() && before.file().version() > 1 && !is_signed
    }
}

/// What a change did, and whose signatures it needs now: of the file's own roots and, where it
/// replaces others, of those.
pub(super) fn report(path: &Path, outcome: &str, file: &TrustFile, change: Change<'_>) -> Report {
    let mut text = format!("{outcome}: {}\n", path.display());
    let own = file.roots();
    let replaced = change.roots_before().filter(|roots| Some(*roots) != own);
    let needed: Vec<(&str, &Roots)> = match change {
        Change::None => Vec::new(),
        Change::First | Change::From(_) => [
            ("its own root keys", own),
            ("the root keys before", replaced),
        ]
        .into_iter()
        .filter_map(|(whose, roots)| Some((whose, roots?)))
        .collect(),
    };
    for (whose, roots) in &needed {
        let (needed, of) = (roots.threshold(), roots.keys().len());
        text.push_str(&format!("to be signed by {needed} of {of} of {whose}\n"));
    }
    let skips_unsigned = change.skips_unsigned();
    if skips_unsigned {
        text.push_str(
            "and by the roots of the last signed version: see kpack trust show --state\n",
        );
    }
    Report {
        text,
        json: json!({
            "trust": path.display().to_string(),
            "changed": !matches!(change, Change::None),
            "version": file.version(),
            "digest": file.digest().to_string(),
            "needs": needed.iter().map(|(whose, roots)| needs(whose, roots)).collect::<Vec<_>>(),
            "needs_last_signed": skips_unsigned,
        }),
    }
}

fn needs(whose: &str, roots: &Roots) -> Value {
    json!({
        "signatures": roots.threshold(),
        "of": whose,
        "keys": roots.keys().map(|key| key.to_string()).collect::<Vec<_>>(),
    })
}

fn remove_signatures(path: &Path) -> Result<(), Failure> {
    let beside = TrustOnDisk::signature_path(path);
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Failure::file("remove", &beside, &error))
        }
        _ => Ok(()),
    }
}
