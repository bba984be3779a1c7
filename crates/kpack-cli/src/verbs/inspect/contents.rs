use std::collections::BTreeMap;

use kpack::{PackBytes, PackSource};
use kpack_schema::{KernelInfo, KernelManifest};
use kpack_verify::{SignatureFile, sha256};
use serde_json::{Value, json};

/// What lies in a pack beside the manifest.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// The key ids that the signature file names; nothing is known of their worth.
    pub(super) claimed_signers: Vec<String>,
    /// Every file with its digest and the one that the manifest declares.
    pub(super) files: Vec<Value>,
}

/// What would make a host refuse the pack, as far as it is seen without trust.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<Value>);

impl Problems {
    fn add(&mut self, kind: &str, message: impl Into<String>) {
        let message: String = message.into();
        self.0.push(json!({"kind": kind, "message": message}));
    }

    pub(super) fn extend(&mut self, problems: Vec<Value>) {
        self.0.extend(problems);
    }

    pub(super) fn messages(&self) -> impl Iterator<Item = &str> {
        let messages = self.0.iter().map(|problem| problem["message"].as_str());
        messages.map(Option::unwrap_or_default)
    }

    pub(super) fn into_json(self) -> Value {
        self.0.into()
    }
}

/// Path to the hashes that the manifest declares for it.
type Declared<'a> = BTreeMap<&'a str, Vec<&'a str>>;

impl Contents {
    pub(super) fn read(
        source: &PackSource,
        manifest: &KernelManifest,
        problems: &mut Problems,
    ) -> Self {
        let claimed_signers = claimed_signers(source, problems);
        let files = match source.read() {
            Ok(pack) => {
                let declared = declared(manifest);
                let files = compare(&pack, &declared, problems);
                report_missing(&pack, &declared, problems);
                files
            }
            Err(error) => {
                problems.add(error.kind(), error.to_string());
                Vec::new()
            }
        };
        Self {
            claimed_signers,
            files,
        }
    }
}

fn claimed_signers(source: &PackSource, problems: &mut Problems) -> Vec<String> {
    let bytes = match source.signature() {
        Ok(Some(bytes)) => bytes,
        Ok(None) => {
            problems.add("missing_signature", "the pack has no signature file");
            return Vec::new();
        }
        // The reading of all files reports it.
        Err(_) => return Vec::new(),
    };
    match SignatureFile::parse(&bytes) {
        Ok(file) => file
            .entries()
            .map(|entry| entry.key_id().to_string())
            .collect(),
        Err(error) => {
            problems.add("malformed_signature", error.to_string());
            Vec::new()
        }
    }
}

fn declared(manifest: &KernelManifest) -> Declared<'_> {
    let mut declared = Declared::new();
    for file in manifest.kernels.iter().flat_map(KernelInfo::files) {
        declared.entry(file.path).or_default().push(file.hash);
    }
    declared
}

/// Every file of the pack, held against what is declared.
fn compare(pack: &PackBytes, declared: &Declared<'_>, problems: &mut Problems) -> Vec<Value> {
    let mut files = Vec::new();
    for (path, bytes) in pack.files() {
        let digest = sha256(bytes).to_string();
        let hashes = declared.get(path.as_str());
        match hashes {
            None => problems.add(
                "undeclared_file",
                format!("the manifest does not declare the file: `{path}`"),
            ),
            Some(hashes) if hashes.iter().any(|hash| *hash != digest) => problems.add(
                "digest_mismatch",
                format!("the digest does not match for file: `{path}`"),
            ),
            Some(_) => {}
        }
        files.push(json!({
            "path": path.as_str(),
            "bytes": bytes.len(),
            "digest": digest,
            "declared": hashes.and_then(|hashes| hashes.first()),
        }));
    }
    files
}

fn report_missing(pack: &PackBytes, declared: &Declared<'_>, problems: &mut Problems) {
    for path in declared.keys() {
        let safe = path.parse().ok();
        if safe.is_none_or(|path| pack.file(&path).is_none()) {
            problems.add(
                "missing_file",
                format!("a declared file is missing: `{path}`"),
            );
        }
    }
}
