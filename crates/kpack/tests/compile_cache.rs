//! The compile cache: what it gives back, and everything that it must not take.
#![cfg(feature = "wasmtime")]
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kpack::{
    Backend, BackendError, CompileCache, FeatureSet, Pack, Runtime, Tensor, VettedModule, Wasmtime,
};
use kpack_exec::Program;
use kpack_verify::{CodeOrigin, ProvenCode};
use serde_json::json;
use support::{Made, SCALE, pack, scale};
use tempfile::TempDir;

/// Counts what the engine inside compiles and loads.
struct Counting<B> {
    inner: B,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    compiled: AtomicUsize,
    loaded: AtomicUsize,
}

impl<B: Backend> Backend for Counting<B> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn version(&self) -> semver::Version {
        self.inner.version()
    }

    fn offers(&self) -> FeatureSet {
        self.inner.offers()
    }

    fn compile(&self, module: &VettedModule) -> Result<Arc<dyn Program>, BackendError> {
        self.counts.compiled.fetch_add(1, Ordering::Relaxed);
        self.inner.compile(module)
    }

    fn code_origin(&self, module: &VettedModule) -> Option<CodeOrigin> {
        self.inner.code_origin(module)
    }

    fn load(
        &self,
        module: &VettedModule,
        code: &ProvenCode,
    ) -> Result<Arc<dyn Program>, BackendError> {
        self.counts.loaded.fetch_add(1, Ordering::Relaxed);
        self.inner.load(module, code)
    }
}

struct Work {
    folder: TempDir,
    pack: Made,
}

impl Work {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            pack: pack(&[("scale.wasm", SCALE)], json!([scale()])),
        }
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    /// Loads the pack on an engine, runs it, and says how often it compiled and loaded.
    fn load_on<B: Backend + 'static>(&self, engine: B) -> (usize, usize) {
        let counts = Arc::new(Counts::default());
        let counting = Counting {
            inner: engine,
            counts: Arc::clone(&counts),
        };
        let runtime = Runtime::builder(counting)
            .compile_cache(CompileCache::open(self.cache()).unwrap())
            .build();
        let pack = runtime.load(self.pack.path(), &self.pack.trust()).unwrap();
        works(&pack);
        let count = |count: &AtomicUsize| count.load(Ordering::Relaxed);
        (count(&counts.compiled), count(&counts.loaded))
    }

    fn load(&self) -> (usize, usize) {
        self.load_on(Wasmtime::new().unwrap())
    }

    /// The only entry.
    fn entry(&self) -> PathBuf {
        let cache = CompileCache::open(self.cache()).unwrap();
        let entries = cache.entries().unwrap();
        assert_eq!(entries.len(), 1, "{entries:?}");
        let id = entries[0].id.to_string();
        self.cache().join(id.replace("sha256:", "") + ".code")
    }
}

fn works(pack: &Pack) {
    let x = Tensor::new(&[1, 2], vec![1.0_f32, 2.0]).unwrap();
    let w = Tensor::new(&[2], vec![10.0_f32, 100.0]).unwrap();
    let kernel = pack.kernel("rmsnorm_f32").unwrap();
    let call = kernel.call().input("x", &x).unwrap();
    let y = call.input("weight", &w).unwrap().run().unwrap();
    let y = y.get("y").unwrap();
    assert_eq!(y.as_slice::<f32>().unwrap(), [10.0, 200.0]);
}

const MISS: (usize, usize) = (1, 0);
const HIT: (usize, usize) = (0, 1);

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
    let mut names: Vec<String> = entries.map(|entry| name(entry.unwrap())).collect();
    names.sort();
    names
}

#[test]
fn the_second_load_compiles_nothing() {
    let work = Work::new();
    assert_eq!(work.load(), MISS);
    assert_eq!(work.load(), HIT);
    let cache = CompileCache::open(work.cache()).unwrap();
    assert_eq!(cache.clear().unwrap(), 1);
    assert_eq!(names(&work.cache()), ["key"], "the key stays");
    assert_eq!(work.load(), MISS);
}

#[cfg(feature = "wasmer")]
#[test]
fn each_engine_has_its_own_entries() {
    let work = Work::new();
    assert_eq!(work.load(), MISS);
    assert_eq!(work.load_on(kpack::Wasmer::new().unwrap()), MISS);
    assert_eq!(work.load_on(kpack::Wasmer::new().unwrap()), HIT);
    assert_eq!(work.load(), HIT);
    let entries = CompileCache::open(work.cache()).unwrap().entries();
    assert_eq!(entries.unwrap().len(), 2);
}

#[test]
fn a_flipped_byte_anywhere_and_a_torn_entry_are_misses_and_are_mended() {
    let work = Work::new();
    work.load();
    let entry = work.entry();
    let good = fs::read(&entry).unwrap();
    let step = good.len() / 40;
    for at in (0..good.len()).step_by(step).chain(0..33) {
        let mut bytes = good.clone();
        bytes[at] ^= 0x40;
        fs::write(&entry, bytes).unwrap();
        assert_eq!(work.load(), MISS, "byte {at}");
        assert_eq!(work.load(), HIT, "mended");
    }
    for length in [0, 1, 31, 32, 33, good.len() / 2, good.len() - 1] {
        fs::write(&entry, &good[..length]).unwrap();
        assert_eq!(work.load(), MISS, "{length} bytes");
    }
}

#[test]
fn an_entry_of_another_module_or_owner_is_a_miss() {
    let work = Work::new();
    work.load();
    let mine = fs::read(work.entry()).unwrap();
    let other = Work::new();
    other.load();
    fs::write(other.entry(), mine).unwrap();
    assert_eq!(other.load(), MISS, "of another owner");

    let mut second = scale();
    second["id"] = json!("second");
    second["path"] = json!("second.wasm");
    let longer = SCALE.replacen("(module", "(module (global i32 (i32.const 1))", 1);
    let both = Work {
        folder: tempfile::tempdir().unwrap(),
        pack: pack(
            &[("scale.wasm", SCALE), ("second.wasm", &longer)],
            json!([scale(), second]),
        ),
    };
    assert_eq!(both.load(), (2, 0));
    assert_eq!(both.load(), (0, 2));
    let files: Vec<PathBuf> = names(&both.cache())
        .iter()
        .filter(|name| name.ends_with(".code"))
        .map(|name| both.cache().join(name))
        .collect();
    fs::copy(&files[0], &files[1]).unwrap();
    assert_eq!(both.load(), (1, 1), "an entry that was moved");
}

#[test]
fn a_stale_temporary_file_disturbs_nothing_and_is_cleared() {
    let work = Work::new();
    work.load();
    fs::write(work.cache().join(".kpack-stale.tmp"), "torn").unwrap();
    assert_eq!(work.load(), HIT);
    CompileCache::open(work.cache()).unwrap().clear().unwrap();
    assert_eq!(names(&work.cache()), ["key"]);
}

#[test]
fn two_processes_that_start_at_once_share_one_key() {
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| CompileCache::open(&path).unwrap());
            }
        });
        assert_eq!(names(&path), ["key"]);
        assert_eq!(fs::read(path.join("key")).unwrap().len(), 32);
    }
}

#[test]
fn a_damaged_key_is_named() {
    let work = Work::new();
    work.load();
    fs::write(work.cache().join("key"), "short").unwrap();
    let error = CompileCache::open(work.cache()).unwrap_err();
    assert_eq!(error.kind(), "cache_key");
    assert!(error.to_string().contains("key"), "{error}");
}

#[cfg(unix)]
mod modes {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn all_is_made_for_the_owner_alone() {
        let work = Work::new();
        work.load();
        assert_eq!(mode(&work.cache()), 0o700);
        assert_eq!(mode(&work.cache().join("key")), 0o600);
        assert_eq!(mode(&work.entry()), 0o600);
    }

    #[test]
    fn what_others_may_write_is_not_used() {
        let work = Work::new();
        work.load();
        set_mode(&work.entry(), 0o666);
        assert_eq!(work.load(), MISS, "an entry");
        assert_eq!(work.load(), HIT);
        set_mode(&work.cache().join("key"), 0o620);
        let error = CompileCache::open(work.cache()).unwrap_err();
        assert_eq!(error.kind(), "cache_not_private");
        set_mode(&work.cache().join("key"), 0o600);
        set_mode(&work.cache(), 0o777);
        let error = CompileCache::open(work.cache()).unwrap_err();
        assert_eq!(error.kind(), "cache_not_private");
    }

    #[test]
    fn links_are_not_followed() {
        let work = Work::new();
        work.load();
        let entry = work.entry();
        let elsewhere = work.folder.path().join("elsewhere");
        fs::rename(&entry, &elsewhere).unwrap();
        symlink(&elsewhere, &entry).unwrap();
        assert_eq!(work.load(), MISS);
        assert!(
            !fs::symlink_metadata(&entry).unwrap().is_symlink(),
            "replaced"
        );
        assert_eq!(work.load(), HIT);
    }

    #[test]
    fn a_folder_that_takes_no_more_is_worked_without() {
        let work = Work::new();
        work.load();
        fs::remove_file(work.entry()).unwrap();
        // A folder under the entry's name: it can neither be read nor replaced.
        let id = {
            work.load();
            work.entry()
        };
        fs::remove_file(&id).unwrap();
        fs::create_dir(&id).unwrap();
        fs::write(id.join("full"), "").unwrap();
        assert_eq!(work.load(), MISS);
        assert_eq!(work.load(), MISS);
    }
}
