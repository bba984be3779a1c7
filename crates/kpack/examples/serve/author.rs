//! Somebody who writes kernels: releases of a pack with one kernel, RMSNorm, good and bad ones.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use kpack::{HostPolicy, PackDir, Tensor, Trust, reference_pack, write_tensor_file};
use kpack_verify::{SigningKey, sha256, sign_pack};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The kernel that every release has.
pub(crate) const KERNEL: &str = "rmsnorm_f32";

/// What a call must give that every host tries before it lets a release serve.
const VECTOR: &str = "vectors/rows.safetensors";

/// On a row that begins with this value, a release that [fails at times](Content::FailsAtTimes) traps.
pub(crate) const UNLUCKY: f32 = 7777.0;

/// What is in a release.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Content {
    /// The kernel of the reference pack.
    Reference,
    /// A kernel that is two percent off.
    WrongNumbers,
    /// A kernel that takes a hundred times as long.
    Slow,
    /// A kernel that is right, and traps for some inputs that nobody tried.
    FailsAtTimes,
}

impl Content {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Reference => "good",
            Self::WrongNumbers => "two percent off",
            Self::Slow => "takes 100 times as long",
            Self::FailsAtTimes => "fails at times",
        }
    }
}

/// An author with a throw-away key.
pub(crate) struct Author {
    key: SigningKey,
    folder: TempDir,
}

impl Author {
    pub(crate) fn new() -> Result<Self, Box<dyn Error>> {
        Ok(Self {
            key: SigningKey::generate()?,
            folder: tempfile::tempdir()?,
        })
    }

    /// What a host writes down that trusts this author.
    pub(crate) fn trust(&self) -> Result<Trust, Box<dyn Error>> {
        let key = self.key.public_key().to_string();
        let trust = json!({"kpack_trust": 1, "keys": [{"key": key, "packs": ["llama-*"]}]});
        Ok(Trust::from_json(&trust.to_string())?)
    }

    /// Publishes a release in a folder of its own.
    pub(crate) fn publish(
        &self,
        sequence: u64,
        content: Content,
    ) -> Result<PathBuf, Box<dyn Error>> {
        let folder = self.folder.path().join(format!("release-{sequence}"));
        let reference = reference_pack::bytes();
        let mut manifest: Value = serde_json::from_slice(reference.manifest())?;
        let kernels = manifest["kernels"].as_array().ok_or("no kernels")?;
        let kernel = kernels.iter().find(|kernel| kernel["id"] == KERNEL);
        let mut kernel = kernel.ok_or("no RMSNorm")?.clone();
        let vector = vector()?;
        write(&folder, VECTOR, &vector)?;
        kernel["vectors"] = json!([{
            "path": VECTOR, "hash": sha256(&vector).to_string(), "params": {"eps": 1e-5},
            "tolerance": {"mode": "elementwise", "rtol": 1e-4, "atol": 1e-6}
        }]);
        if let Some(module) = module(content) {
            let module = wat::parse_str(module)?;
            kernel["hash"] = json!(sha256(&module).to_string());
            kernel["variants"] = json!([]);
            write(&folder, text(&kernel["path"]), &module)?;
        }
        let fallback = manifest["fallbacks"][KERNEL].clone();
        manifest["author"]["signing_key"] = json!(self.key.public_key().to_string());
        manifest["version"] = json!(format!("1.0.{sequence}"));
        manifest["sequence"] = json!(sequence);
        manifest["fallbacks"] = json!({KERNEL: fallback});
        let named = manifest_paths(&kernel);
        manifest["kernels"] = json!([kernel]);
        for (path, bytes) in reference.files() {
            if named.iter().any(|named| named == path.as_str())
                && !folder.join(path.as_str()).exists()
            {
                write(&folder, path.as_str(), bytes)?;
            }
        }
        write(&folder, "kernels.json", manifest.to_string().as_bytes())?;
        let bytes = PackDir::open(&folder)?.read()?;
        let signatures = sign_pack(&bytes, &host_policy(), &self.key)?;
        write(&folder, "kernels.json.sig", signatures.to_json().as_bytes())?;
        Ok(folder)
    }
}

/// What the release of a folder looks like after a bad copy: a bit of a module is another.
pub(crate) fn damage(folder: &Path) -> Result<(), Box<dyn Error>> {
    let manifest: Value = serde_json::from_slice(&fs::read(folder.join("kernels.json"))?)?;
    let module = folder.join(text(&manifest["kernels"][0]["path"]));
    let mut bytes = fs::read(&module)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(module, bytes)?;
    Ok(())
}

/// The policy of a host that serves the reference pack's fallbacks.
pub(crate) fn host_policy() -> HostPolicy {
    reference_pack::host_policy()
}

/// Every file that a kernel names.
fn manifest_paths(kernel: &Value) -> Vec<String> {
    let mut paths = vec![text(&kernel["path"]).to_owned()];
    for list in ["variants", "vectors"] {
        let files = kernel[list].as_array().into_iter().flatten();
        paths.extend(files.map(|file| text(&file["path"]).to_owned()));
    }
    paths
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn write(folder: &Path, path: &str, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().unwrap_or(folder))?;
    fs::write(path, bytes)?;
    Ok(())
}

/// A few rows with what RMSNorm makes of them.
fn vector() -> Result<Vec<u8>, Box<dyn Error>> {
    const HIDDEN: u16 = 1024;
    const ROWS: u16 = 4;
    let weight: Vec<f32> = (0..HIDDEN).map(|at| 0.5 + f32::from(at) / 1024.0).collect();
    let x: Vec<f32> = (0..ROWS * HIDDEN)
        .map(|at| (f32::from(at) * 0.7).sin())
        .collect();
    let y = x
        .chunks(HIDDEN.into())
        .flat_map(|row| rmsnorm(row, &weight, 1e-5));
    let shape = [ROWS.into(), HIDDEN.into()];
    let y = Tensor::new(&shape, y.collect())?;
    let (x, weight) = (
        Tensor::new(&shape, x)?,
        Tensor::new(&[HIDDEN.into()], weight)?,
    );
    let tensors = [("x", x.view()), ("weight", weight.view()), ("y", y.view())];
    Ok(write_tensor_file(tensors)?)
}

/// A row as it must be, computed in f64.
pub(crate) fn rmsnorm(row: &[f32], weight: &[f32], eps: f32) -> Vec<f32> {
    let squares: f64 = row.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
    let count = u32::try_from(row.len()).map_or(f64::NAN, f64::from);
    let root = (squares / count + f64::from(eps)).sqrt();
    let y = row.iter().zip(weight).map(|(&x, &weight)| {
        #[expect(clippy::cast_possible_truncation, reason = "the result is of f32")]
        let y = (f64::from(x) / root * f64::from(weight)) as f32;
        y
    });
    y.collect()
}

/// The text of a module of the author's own; `None` where it is the reference pack's.
fn module(content: Content) -> Option<String> {
    let (repeats, factor, check) = match content {
        Content::Reference => return None,
        Content::WrongNumbers => (1, 1.02, ""),
        Content::Slow => (100, 1.0, ""),
        Content::FailsAtTimes => (
            1,
            1.0,
            "(if (f32.eq (f32.load (local.get $x)) (f32.const 7777)) (then unreachable))",
        ),
    };
    Some(
        include_str!("rmsnorm.wat")
            .replace("REPEATS", &repeats.to_string())
            .replace("FACTOR", &factor.to_string())
            .replace(";; CHECK", check),
    )
}
