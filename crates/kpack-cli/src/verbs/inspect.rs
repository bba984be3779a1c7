use std::fmt::Write;

use kpack::{PackBytes, PackDir, ReadPackError};
use kpack_exec::{ModuleChoice, select};
use kpack_schema::{CheckedManifest, KernelInfo, KernelManifest, ShapeDim, TensorSpec};
use kpack_verify::{SignatureFile, sha256};
use serde_json::{Map, Value, json};

use crate::args::InspectArgs;
use crate::engine::Engine;
use crate::failure::Failure;
use crate::failure::libraries::problems_of_check;
use crate::host;
use crate::report::{Report, table};

/// What a pack says of itself, whether it would be accepted or not.
pub(crate) fn run(args: &InspectArgs) -> Result<Report, Failure> {
    let folder = PackDir::open(&args.pack)?;
    let bytes = folder.manifest()?;
    let digest = sha256(&bytes).to_string();
    let text = String::from_utf8(bytes).map_err(|_| Failure::manifest_not_utf8())?;
    let manifest = KernelManifest::from_json(&text)?;

    let mut problems = Vec::new();
    let signers = signers(&folder, &mut problems);
    let files = files(&manifest, folder.read(), &mut problems);
    let checked = match manifest.clone().check(&host::policy()) {
        Ok(checked) => Some(checked),
        Err(found) => {
            problems.extend(problems_of_check(&found));
            None
        }
    };
    let engines = checked.as_ref().map(engines).transpose()?;
    let inspected = Inspected {
        manifest,
        digest,
        signers,
        files,
        engines: engines.unwrap_or_default(),
        problems,
    };
    Ok(inspected.report())
}

struct Inspected {
    manifest: KernelManifest,
    digest: String,
    signers: Vec<String>,
    files: Vec<Value>,
    /// Kernel id to what each engine makes of it.
    engines: Map<String, Value>,
    problems: Vec<Value>,
}

const NOTHING_WAS_VERIFIED: &str =
    "nothing was verified: this is what the pack says of itself; see kpack verify";

impl Inspected {
    fn report(self) -> Report {
        Report {
            text: self.text(),
            json: json!({
                "verified": false,
                "note": NOTHING_WAS_VERIFIED,
                "manifest_digest": self.digest,
                "manifest": self.manifest,
                "signatures": self.signers,
                "files": self.files,
                "engines": self.engines,
                "problems": self.problems,
            }),
        }
    }

    fn text(&self) -> String {
        let manifest = &self.manifest;
        let mut text = format!("{NOTHING_WAS_VERIFIED}\n\n");
        let rows = [
            ("pack", format!("{} {}", manifest.name, manifest.version)),
            ("description", manifest.description.clone()),
            (
                "author",
                format!("{} <{}>", manifest.author.name, manifest.author.email),
            ),
            ("signing key", manifest.author.signing_key.clone()),
            ("signed by", or_none(&self.signers.join(", "))),
            ("created", manifest.created_at.clone()),
            (
                "expires",
                manifest.expires.clone().unwrap_or("never".into()),
            ),
            ("sequence", manifest.sequence.to_string()),
            (
                "runtime",
                format!(
                    "{} to {}",
                    manifest.min_runtime_version, manifest.max_runtime_version
                ),
            ),
            ("manifest", self.digest.clone()),
        ];
        let rows = rows.map(|(name, value)| vec![name.to_owned(), value.replace('\n', " ")]);
        text.push_str(&table(&rows));
        text.push('\n');
        text.push_str(&table(&self.kernel_rows()));
        for problem in &self.problems {
            let message = problem["message"].as_str().unwrap_or_default();
            _ = write!(text, "\nproblem: {}", message.replace('\n', " "));
        }
        if !self.problems.is_empty() {
            text.push('\n');
        }
        text
    }

    fn kernel_rows(&self) -> Vec<Vec<String>> {
        let heading = ["KERNEL", "INPUTS", "OUTPUTS", "PARAMS", "MODULE", "ENGINES"];
        let mut rows = vec![heading.map(str::to_owned).to_vec()];
        for kernel in &self.manifest.kernels {
            let params: Vec<String> = kernel
                .params
                .iter()
                .map(|(name, param)| format!("{name}={}", param.default))
                .collect();
            let cells = [
                kernel.id.clone(),
                tensors(&kernel.inputs),
                tensors(&kernel.outputs),
                or_none(&params.join(" ")),
                kernel.path.clone(),
                self.engines_of(kernel),
            ];
            rows.push(cells.map(|cell| cell.replace('\n', " ")).to_vec());
        }
        rows
    }

    fn engines_of(&self, kernel: &KernelInfo) -> String {
        let Some(engines) = self.engines.get(&kernel.id).and_then(Value::as_array) else {
            return "-".to_owned();
        };
        let names: Vec<&str> = engines
            .iter()
            .filter(|engine| engine["runs"] == true)
            .filter_map(|engine| engine["engine"].as_str())
            .collect();
        or_none(&names.join(" "))
    }
}

fn or_none(text: &str) -> String {
    if text.is_empty() { "-" } else { text }.to_owned()
}

fn tensors(specs: &[TensorSpec]) -> String {
    let one = |spec: &TensorSpec| {
        let dims: Vec<String> = spec
            .shape
            .iter()
            .map(|dim| match dim {
                ShapeDim::Symbolic(symbol) => symbol.clone(),
                ShapeDim::Fixed(size) => size.to_string(),
            })
            .collect();
        format!("{} {}[{}]", spec.name, spec.dtype, dims.join(","))
    };
    specs.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn problem(kind: &str, message: &str) -> Value {
    json!({"kind": kind, "message": message})
}

/// The key ids that the signature file names; nothing is known of their worth.
fn signers(folder: &PackDir, problems: &mut Vec<Value>) -> Vec<String> {
    let bytes = match folder.signature() {
        Ok(Some(bytes)) => bytes,
        Ok(None) => {
            problems.push(problem(
                "missing_signature",
                "the pack has no signature file",
            ));
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
            problems.push(problem("malformed_signature", &error.to_string()));
            Vec::new()
        }
    }
}

/// Every file with its digest and the one that the manifest declares.
fn files(
    manifest: &KernelManifest,
    read: Result<PackBytes, ReadPackError>,
    problems: &mut Vec<Value>,
) -> Vec<Value> {
    let pack = match read {
        Ok(pack) => pack,
        Err(error) => {
            problems.push(problem(error.kind(), &error.to_string()));
            return Vec::new();
        }
    };
    let declared = declarations(manifest);
    let mut files = Vec::new();
    for (path, bytes) in pack.files() {
        let digest = sha256(bytes).to_string();
        let hashes: Vec<&str> = declared
            .iter()
            .filter(|(declared, _)| *declared == path.as_str())
            .map(|&(_, hash)| hash)
            .collect();
        if hashes.is_empty() {
            let message = format!("the manifest does not declare the file: `{path}`");
            problems.push(problem("undeclared_file", &message));
        } else if hashes.iter().any(|hash| *hash != digest) {
            let message = format!("the digest does not match for file: `{path}`");
            problems.push(problem("digest_mismatch", &message));
        }
        files.push(json!({
            "path": path.as_str(),
            "bytes": bytes.len(),
            "digest": digest,
            "declared": hashes.first(),
        }));
    }
    let mut missing: Vec<&str> = declared
        .iter()
        .map(|&(path, _)| path)
        .filter(|declared| !pack.files().any(|(path, _)| path.as_str() == *declared))
        .collect();
    missing.dedup();
    problems.extend(missing.into_iter().map(|path| {
        let message = format!("a declared file is missing: `{path}`");
        problem("missing_file", &message)
    }));
    files
}

/// Every place of the manifest that names a file, with the hash that stands there.
fn declarations(manifest: &KernelManifest) -> Vec<(&str, &str)> {
    let files = manifest.kernels.iter().flat_map(KernelInfo::files);
    files.map(|file| (file.path, file.hash)).collect()
}

/// Which engines of this build run each kernel, by what the manifest declares.
fn engines(manifest: &CheckedManifest) -> Result<Map<String, Value>, Failure> {
    let mut engines = Vec::new();
    for engine in Engine::ALL {
        engines.push(engine.info()?);
    }
    let of_kernel = |kernel: &kpack_schema::CheckedKernel| -> Value {
        let of_engine = |engine| match select(kernel, engine) {
            Ok(selection) => {
                let module = match selection.module {
                    ModuleChoice::Path => kernel.path(),
                    ModuleChoice::Variant(index) => &kernel.variants()[index].path,
                };
                json!({"engine": engine.name, "runs": true, "module": module.as_str()})
            }
            Err(reason) => json!({
                "engine": engine.name,
                "runs": false,
                "kind": reason.kind(),
                "reason": reason.to_string(),
            }),
        };
        engines.iter().map(of_engine).collect()
    };
    Ok(manifest
        .kernels()
        .iter()
        .map(|kernel| (kernel.id().to_string(), of_kernel(kernel)))
        .collect())
}
