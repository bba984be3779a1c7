//! The command under test, and packs made with it in temporary folders.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};
use tempfile::TempDir;

/// `y = x * weight + eps`, row by row.
pub const SCALE: &str = include_str!("../../../kpack/tests/support/scale.wat");

/// Copies the first input to the output, byte for byte.
pub const COPY: &str = r#"(module (memory (export "memory") 1)
  (func (export "run") (param $d i32) (result i32) (local $i i32)
    (block $end (loop $next
      (br_if $end (i32.ge_u (local.get $i) (i32.load offset=20 (local.get $d))))
      (i32.store8 (i32.add (i32.load offset=16 (local.get $d)) (local.get $i))
        (i32.load8_u (i32.add (i32.load (local.get $d)) (local.get $i))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $next)))
    (i32.const 0)))"#;

/// A module whose entry point has this body.
pub fn module(body: &str) -> String {
    format!(
        r#"(module (memory (export "memory") 1)
          (func $run (export "run") (param $d i32) (result i32) {body}))"#
    )
}

/// The kernel of [`SCALE`].
pub fn scale() -> Value {
    json!({
        "id": "scale", "name": "Scale", "category": "normalization",
        "path": "scale.wasm", "hash": "sha256:", "entry_point": "run",
        "inputs": [
            {"name": "x", "dtype": "f32", "shape": ["rows", "hidden"]},
            {"name": "weight", "dtype": "f32", "shape": ["hidden"]}
        ],
        "outputs": [{"name": "y", "dtype": "f32", "shape": ["rows", "hidden"]}],
        "params": {"eps": {"type": "f32", "default": 0.0, "min": 0.0, "max": 1.0}},
        "resource_limits": {
            "max_memory_pages": 16, "max_epoch_ticks": 100, "max_table_elements": 0
        }
    })
}

/// A kernel of one input and one output of `n` elements.
pub fn kernel(id: &str, path: &str, dtype: &str) -> Value {
    json!({
        "id": id, "name": id, "category": "custom",
        "path": path, "hash": "sha256:", "entry_point": "run",
        "inputs": [{"name": "x", "dtype": dtype, "shape": ["n"]}],
        "outputs": [{"name": "y", "dtype": dtype, "shape": ["n"]}],
        "resource_limits": {
            "max_memory_pages": 3, "max_epoch_ticks": 500, "max_table_elements": 0
        }
    })
}

/// A temporary folder to work in.
pub struct Work {
    folder: TempDir,
    cache: TempDir,
}

/// How the command ended.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    pub fn json(&self) -> Value {
        assert_eq!(self.stdout.lines().count(), 1, "one object: {self:?}");
        serde_json::from_str(&self.stdout).unwrap()
    }
}

impl Work {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            cache: tempfile::tempdir().unwrap(),
        }
    }

    /// A pack with a key that is trusted, signed and ready.
    pub fn with_pack(modules: &[(&str, &str)], kernels: Value) -> Self {
        let work = Self::new();
        work.write_pack(modules, kernels);
        work.ok(&["hash", "pack"]);
        work.ok(&["sign", "pack", "--key", "key"]);
        work
    }

    /// A key, a trust file for it, and a pack with neither digests nor signature.
    pub fn write_pack(&self, modules: &[(&str, &str)], kernels: Value) {
        let made = self.ok(&["keygen", "--out", "key", "--json"]).json();
        let public = made["public_key"].as_str().unwrap();
        self.write_trust(json!({"kpack_trust": 1, "keys": [{"key": public}]}));
        fs::create_dir(self.path("pack")).unwrap();
        for (path, text) in modules {
            fs::write(self.path("pack").join(path), wat::parse_str(text).unwrap()).unwrap();
        }
        self.write_manifest(&json!({
            "version": "1.0.0", "name": "test-pack", "description": "",
            "min_runtime_version": "1.0.0", "max_runtime_version": "1.0.0",
            "created_at": "2026-01-31T12:00:00Z",
            "author": {"name": "A", "email": "a@example.org", "signing_key": public},
            "kernels": kernels,
        }));
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn manifest(&self) -> Value {
        serde_json::from_slice(&fs::read(self.path("pack/kernels.json")).unwrap()).unwrap()
    }

    pub fn write_manifest(&self, manifest: &Value) {
        fs::write(self.path("pack/kernels.json"), manifest.to_string()).unwrap();
    }

    pub fn trust(&self) -> Value {
        serde_json::from_slice(&fs::read(self.path("trust.json")).unwrap()).unwrap()
    }

    pub fn write_trust(&self, trust: Value) {
        fs::write(self.path("trust.json"), trust.to_string()).unwrap();
    }

    /// Changes the manifest, and hashes and signs the pack again.
    pub fn release(&self, change: impl FnOnce(&mut Value)) {
        let mut manifest = self.manifest();
        change(&mut manifest);
        self.write_manifest(&manifest);
        self.ok(&["hash", "pack"]);
        self.ok(&["sign", "pack", "--key", "key"]);
    }

    pub fn write_tensors(&self, name: &str, tensors: &[(&str, Dtype, &[usize], Vec<u8>)]) {
        let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
            (
                *name,
                TensorView::new(*dtype, shape.to_vec(), bytes).unwrap(),
            )
        });
        let bytes = safetensors::serialize(views, None).unwrap();
        fs::write(self.path(name), bytes).unwrap();
    }

    /// The compile cache, which is none of the folder's.
    pub fn cache(&self) -> PathBuf {
        self.cache.path().join("cache")
    }

    /// Runs the command in the folder.
    pub fn run(&self, args: &[impl AsRef<OsStr>]) -> Ran {
        let output: Output = Command::new(env!("CARGO_BIN_EXE_kpack"))
            .current_dir(self.folder.path())
            .env("KPACK_CACHE_DIR", self.cache())
            .env_remove("CARGO_TARGET_DIR")
            .env("CARGO_NET_OFFLINE", "true")
            .args(args)
            .output()
            .unwrap();
        Ran {
            code: output.status.code().expect("not ended by a signal"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs what must succeed.
    pub fn ok(&self, args: &[&str]) -> Ran {
        let ran = self.run(args);
        assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
        ran
    }

    /// Runs what must fail, for people and for programs, and gives the error.
    pub fn fails(&self, args: &[&str], code: i32, kind: &str) -> Value {
        let text = self.run(args);
        assert_eq!(text.code, code, "{args:?}: {text:?}");
        assert_eq!(text.stdout, "", "{args:?}");
        let errors: Vec<&str> = text
            .stderr
            .lines()
            .skip_while(|line| !line.starts_with("error: "))
            .collect();
        assert_eq!(errors.len(), 2, "what, and why or what to do: {text:?}");
        assert!(!text.stderr.contains('\u{1b}'), "{text:?}");
        let json = self.run(&[args, &["--json"]].concat());
        assert_eq!(json.code, code, "{args:?}: {json:?}");
        let error = json.json()["error"].clone();
        assert_eq!(error["kind"], kind, "{args:?}: {error}");
        assert_eq!(error["exit_code"], code, "{args:?}: {error}");
        assert!(!error["message"].as_str().unwrap().is_empty());
        let documented = documented_kinds();
        assert!(
            documented.contains(&(kind.to_owned(), code)),
            "{kind} with exit code {code} is not in docs/command-line.md"
        );
        error
    }

    /// `kpack verify` of the pack fails.
    pub fn refused(&self, code: i32, kind: &str) -> Value {
        self.fails(&["verify", "pack", "--trust", "trust.json"], code, kind)
    }

    /// Runs what a page tells its reader to run, line by line in a shell that finds `kpack`, and looks
    /// for everything else in these folders too. Every line must succeed.
    pub fn shell(&self, folder: &Path, further: &[&Path], commands: &str) {
        let kpack = Path::new(env!("CARGO_BIN_EXE_kpack")).parent().unwrap();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = [kpack.to_owned()]
            .into_iter()
            .chain(std::env::split_paths(&path));
        let folders = folders.chain(further.iter().map(|folder| folder.to_path_buf()));
        let mut shell = Command::new("sh");
        shell
            .args(["-e", "-c", commands])
            .current_dir(folder)
            .env("PATH", std::env::join_paths(folders).unwrap())
            .env("KPACK_CACHE_DIR", self.cache())
            // The outer build's are none of a project's.
            .env_remove("CARGO_TARGET_DIR")
            .env_remove("RUSTFLAGS")
            .env("CARGO_NET_OFFLINE", "true");
        let output = shell.output().unwrap();
        assert!(output.status.success(), "{commands}\n{output:?}");
    }

    /// Everything in the folder and below it.
    pub fn listing(&self) -> BTreeSet<PathBuf> {
        let mut found = BTreeSet::new();
        list(self.folder.path(), &mut found);
        found
    }
}

fn list(folder: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            list(&path, found);
        }
        found.insert(path);
    }
}

/// Every kind with its exit code in the table of `docs/command-line.md`.
pub fn documented_kinds() -> BTreeSet<(String, i32)> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/command-line.md");
    let page = fs::read_to_string(page).unwrap();
    let mut kinds = BTreeSet::new();
    for row in page.lines().filter(|line| line.starts_with("| `")) {
        let mut cells = row.trim_matches('|').split('|').map(str::trim);
        let (Some(names), Some(code)) = (cells.next(), cells.next()) else {
            continue;
        };
        let Ok(code) = code.parse() else { continue };
        for name in names.split(", ") {
            kinds.insert((name.trim_matches('`').to_owned(), code));
        }
    }
    kinds
}

/// The engines that are compiled in.
pub fn engines() -> impl Iterator<Item = &'static str> {
    let wasmer = cfg!(feature = "wasmer").then_some("wasmer");
    ["wasmtime"].into_iter().chain(wasmer)
}

/// What stands in the `sh` blocks of a page.
pub fn commands(page: &str) -> String {
    let blocks = page.split("```sh\n").skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap_or_default())
        .collect()
}

/// Little-endian bytes.
pub fn f32s(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}
