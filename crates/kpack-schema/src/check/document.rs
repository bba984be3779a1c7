use std::collections::BTreeSet;
use std::sync::Arc;

use semver::Version;

use super::files::Files;
use super::problem::{ManifestProblems, Pointer, ProblemKind, Reporter};
use super::{fallbacks, kernel};
use crate::{
    CheckedKernel, CheckedManifest, HostPolicy, KernelManifest, PackName, PublicKey,
    RUNTIME_VERSION, Timestamp,
};

/// The most kernels that a pack may hold.
pub(super) const MAX_KERNELS: usize = 256;
/// The longest name for people, in bytes.
pub(super) const MAX_NAME_BYTES: usize = 256;
/// The longest text of any other kind, in bytes.
pub(super) const MAX_TEXT_BYTES: usize = 64 * 1024;

const SEMVER: &str = "a semantic version without build metadata, such as 1.2.3";
const UTC: &str = "an RFC 3339 time in UTC, such as 2026-01-31T12:00:00Z";
const KEY: &str = "ed25519: and 64 hex characters, or base64 of 32 bytes";

pub(super) fn check(
    manifest: KernelManifest,
    policy: &HostPolicy,
) -> Result<CheckedManifest, ManifestProblems> {
    let mut reporter = Reporter::default();
    let root = Pointer::root();
    check_texts(&manifest, &root, &mut reporter);
    let header = header(&manifest, &root, &mut reporter);
    let mut files = Files::default();
    let kernels = kernels(&manifest, policy, &root, &mut files, &mut reporter);
    let fallbacks = fallbacks::check(&manifest, &kernels, policy, &root, &mut reporter);
    let checked = header.map(|header| CheckedManifest {
        name: header.name,
        version: header.version,
        created_at: header.created_at,
        expires: header.expires,
        signing_key: header.signing_key,
        kernels: kernels.into_iter().flatten().collect(),
        fallbacks,
        files: files.into_digests(),
        manifest,
    });
    reporter.finish(checked)
}

/// What a manifest says of the pack as a whole.
struct Header {
    name: PackName,
    version: Version,
    created_at: Timestamp,
    expires: Option<Timestamp>,
    signing_key: PublicKey,
}

fn header(manifest: &KernelManifest, root: &Pointer, reporter: &mut Reporter) -> Option<Header> {
    let name = &manifest.name;
    let name: Option<PackName> = reporter.parse(
        &root.key("name"),
        ProblemKind::Name,
        name,
        PackName::GRAMMAR,
    );
    let version = version(reporter, &root.key("version"), &manifest.version);
    check_runtime_window(manifest, root, reporter);
    let created_at = &manifest.created_at;
    let created_at: Option<Timestamp> =
        reporter.parse(&root.key("created_at"), ProblemKind::Time, created_at, UTC);
    let expires = expires(manifest, created_at, root, reporter);
    let signing_key = &manifest.author.signing_key;
    let key_at = root.key("author").key("signing_key");
    let signing_key: Option<PublicKey> =
        reporter.parse(&key_at, ProblemKind::Key, signing_key, KEY);
    Some(Header {
        name: name?,
        version: version?,
        created_at: created_at?,
        expires,
        signing_key: signing_key?,
    })
}

fn check_texts(manifest: &KernelManifest, root: &Pointer, reporter: &mut Reporter) {
    let author = root.key("author");
    reporter.check_length(&root.key("$schema"), &manifest.schema, MAX_TEXT_BYTES);
    reporter.check_length(
        &root.key("description"),
        &manifest.description,
        MAX_TEXT_BYTES,
    );
    reporter.check_length(&author.key("name"), &manifest.author.name, MAX_NAME_BYTES);
    reporter.check_length(&author.key("email"), &manifest.author.email, MAX_NAME_BYTES);
}

fn kernels(
    manifest: &KernelManifest,
    policy: &HostPolicy,
    root: &Pointer,
    files: &mut Files,
    reporter: &mut Reporter,
) -> Vec<Option<Arc<CheckedKernel>>> {
    let kernels = root.key("kernels");
    if manifest.kernels.len() > MAX_KERNELS {
        let found = manifest.kernels.len();
        let allowed = format!("at most {MAX_KERNELS} kernels");
        reporter.report(&kernels, ProblemKind::TooLarge, found, allowed);
    }
    let mut ids = BTreeSet::new();
    let mut checked = Vec::with_capacity(manifest.kernels.len());
    for (index, info) in manifest.kernels.iter().enumerate() {
        let at = kernels.index(index);
        if !ids.insert(info.id.as_str()) {
            reporter.report(
                &at.key("id"),
                ProblemKind::Duplicate,
                &info.id,
                "unique in the pack",
            );
        }
        checked.push(kernel::check(info, policy, &at, files, reporter).map(Arc::new));
    }
    checked
}

pub(super) fn version(reporter: &mut Reporter, at: &Pointer, text: &str) -> Option<Version> {
    if text.len() > MAX_TEXT_BYTES {
        reporter.check_length(at, text, MAX_TEXT_BYTES);
        return None;
    }
    let version = Version::parse(text)
        .ok()
        .filter(|version| version.build.is_empty());
    if version.is_none() {
        reporter.report(at, ProblemKind::Version, text, SEMVER);
    }
    version
}

fn check_runtime_window(manifest: &KernelManifest, root: &Pointer, reporter: &mut Reporter) {
    let min_at = root.key("min_runtime_version");
    let max_at = root.key("max_runtime_version");
    let min = version(reporter, &min_at, &manifest.min_runtime_version);
    let max = version(reporter, &max_at, &manifest.max_runtime_version);
    let runtime = Version::parse(RUNTIME_VERSION).expect("the constant is a semantic version");
    if let (Some(min), Some(max)) = (&min, &max)
        && min > max
    {
        let allowed = format!("at most max_runtime_version {max}");
        reporter.report(&min_at, ProblemKind::Version, min, allowed);
        return;
    }
    if let Some(min) = min.filter(|min| *min > runtime) {
        let allowed = format!("at most this runtime's version {runtime}");
        reporter.report(&min_at, ProblemKind::RuntimeVersion, min, allowed);
    }
    if let Some(max) = max.filter(|max| *max < runtime) {
        let allowed = format!("at least this runtime's version {runtime}");
        reporter.report(&max_at, ProblemKind::RuntimeVersion, max, allowed);
    }
}

fn expires(
    manifest: &KernelManifest,
    created_at: Option<Timestamp>,
    root: &Pointer,
    reporter: &mut Reporter,
) -> Option<Timestamp> {
    let at = root.key("expires");
    let text = manifest.expires.as_deref()?;
    let expires: Timestamp = reporter.parse(&at, ProblemKind::Time, text, UTC)?;
    if let Some(created) = created_at.filter(|&created| expires <= created) {
        let allowed = format!("later than created_at {created}");
        reporter.report(&at, ProblemKind::Time, text, allowed);
    }
    Some(expires)
}
