//! The compile cache on a disk that fails, under processes that are killed, and among other users.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use kpack::{
    Backend, BackendError, CompileCache, FeatureSet, Pack, Runtime, Tensor, Trust, VettedModule,
    Wasmtime,
};
use kpack_exec::Program;
use kpack_verify::{CodeOrigin, ProvenCode};
use rustix::io::Errno;
use serde_json::json;
use tempfile::TempDir;

use crate::support::{SCALE, pack, scale};
use crate::system_calls::{Child, Death, FAILURES, Step, WRITE, in_a_thread};

/// wasmtime, and what else happens right before the cache is looked into and right after a module was
/// compiled, which is right before the entry is written.
struct Watched<L, C> {
    inner: Wasmtime,
    before_look_up: L,
    after_compile: C,
    compiled: Arc<AtomicUsize>,
}

impl<L: Fn() + Send + Sync, C: Fn() + Send + Sync> Backend for Watched<L, C> {
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
        let program = self.inner.compile(module);
        self.compiled.fetch_add(1, Ordering::Relaxed);
        (self.after_compile)();
        program
    }

    fn code_origin(&self, module: &VettedModule) -> Option<CodeOrigin> {
        let origin = self.inner.code_origin(module);
        (self.before_look_up)();
        origin
    }

    fn load(
        &self,
        module: &VettedModule,
        code: &ProvenCode,
    ) -> Result<Arc<dyn Program>, BackendError> {
        self.inner.load(module, code)
    }
}

/// What a load did.
#[derive(Debug, PartialEq)]
enum Load {
    Hit,
    Miss,
}
use Load::{Hit, Miss};

/// A folder with a pack and, once it was loaded, a cache.
struct Place<'a>(&'a Path);

fn made() -> TempDir {
    let (folder, made) = (
        tempfile::tempdir().unwrap(),
        pack(&[("scale.wasm", SCALE)], json!([scale()])),
    );
    let place = folder.path().join("pack");
    fs::create_dir(&place).unwrap();
    for file in fs::read_dir(made.path()).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), place.join(file.file_name())).unwrap();
    }
    fs::write(folder.path().join("trust.json"), &made.trust_json).unwrap();
    folder
}

impl Place<'_> {
    fn cache(&self) -> PathBuf {
        self.0.join("cache")
    }

    /// Loads the pack, runs it, and says whether it was compiled.
    fn load_with(
        &self,
        before_look_up: impl Fn() + Send + Sync + 'static,
        after_compile: impl Fn() + Send + Sync + 'static,
    ) -> Load {
        let compiled = Arc::new(AtomicUsize::new(0));
        let engine = Watched {
            inner: Wasmtime::new().unwrap(),
            before_look_up,
            after_compile,
            compiled: Arc::clone(&compiled),
        };
        let runtime = Runtime::builder(engine)
            .compile_cache(CompileCache::open(self.cache()).unwrap())
            .build();
        let trust = fs::read_to_string(self.0.join("trust.json")).unwrap();
        let trust = Trust::from_json(&trust).unwrap();
        works(&runtime.load(self.0.join("pack"), &trust).unwrap());
        match compiled.load(Ordering::Relaxed) {
            0 => Hit,
            _ => Miss,
        }
    }

    fn load(&self) -> Load {
        self.load_with(|| {}, || {})
    }

    /// What lies in the cache beside its key.
    fn found(&self) -> Found {
        let mut found = Found::default();
        for file in fs::read_dir(self.cache()).unwrap() {
            let file = file.unwrap();
            let name = file.file_name().into_string().unwrap();
            let length = file.metadata().unwrap().len();
            if name.ends_with(".code") {
                found.entries.push(length);
            } else if name.starts_with(".kpack-") {
                found.temporary.push(length);
            } else {
                assert_eq!(name, "key");
            }
        }
        found
    }

    /// The only entry.
    fn entry(&self) -> PathBuf {
        let files = fs::read_dir(self.cache()).unwrap();
        let mut paths = files.map(|file| file.unwrap().path());
        paths.find(|path| path.extension().is_some()).unwrap()
    }

    fn clear(&self) {
        let cache = CompileCache::open(self.cache()).unwrap();
        cache.clear().unwrap();
        assert_eq!(self.found(), Found::default());
    }
}

/// The lengths of entries, and of files that were being written.
#[derive(Debug, Default, PartialEq)]
struct Found {
    entries: Vec<u64>,
    temporary: Vec<u64>,
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

/// How a writer can leave the cache: killed at each step, and at many lengths of what it has written.
#[test]
fn killed_at_each_step_of_a_write_a_process_leaves_a_hit_or_a_miss() {
    let test = "cache::killed_at_each_step_of_a_write_a_process_leaves_a_hit_or_a_miss";
    if let Some(child) = Child::of_parent() {
        Place(&child.folder.clone()).load_with(|| {}, move || child.await_death());
        return;
    }
    let folder = made();
    let place = Place(folder.path());
    assert_eq!(place.load(), Miss);
    let whole = place.found().entries[0];
    let by_length = (0..whole).step_by(usize::try_from(whole / 12).unwrap());
    let deaths = WRITE.map(Death::At).into_iter();
    for death in deaths.chain(by_length.chain([whole - 1, whole]).map(Death::After)) {
        // Nothing, or what is no entry, stands where the entry is to be.
        for torn in [None, Some("torn")] {
            place.clear();
            let stood = torn.map(|torn| {
                place.load();
                fs::write(place.entry(), torn).unwrap();
                4
            });
            let killed = death.of_child(test, folder.path());
            let (entry, temporary) = match death {
                Death::At(Step::Create) => (stood, None),
                Death::At(Step::Write) => (stood, Some(0)),
                Death::At(Step::Sync | Step::Rename) => (stood, Some(whole)),
                Death::After(bytes) if bytes < whole => (stood, Some(bytes)),
                _ => (Some(whole), None),
            };
            let expected = Found {
                entries: entry.into_iter().collect(),
                temporary: temporary.into_iter().collect(),
            };
            assert_eq!(place.found(), expected, "{death:?}");
            let survived = matches!(death, Death::After(bytes) if bytes >= whole);
            assert_eq!(killed, !survived, "{death:?}");
            let next = if entry == Some(whole) { Hit } else { Miss };
            assert_eq!(place.load(), next, "{death:?}");
            assert_eq!(place.load(), Hit, "{death:?}");
        }
    }
}

#[test]
fn a_disk_that_fails_at_any_step_of_a_write_is_worked_without() {
    let folder = made();
    let place = Place(folder.path());
    place.load();
    for step in WRITE {
        for errno in FAILURES {
            place.clear();
            let load = in_a_thread(|| place.load_with(|| {}, move || step.fails(errno)));
            assert_eq!(load, Miss, "{step:?}, {errno:?}");
            let found = place.found();
            assert!(found.temporary.is_empty(), "{step:?}, {errno:?}");
            // Only that its folder reached the disk is then not known of an entry.
            let entries = usize::from(step == Step::OpenFolder);
            assert_eq!(found.entries.len(), entries, "{step:?}, {errno:?}");
            place.load();
            assert_eq!(place.load(), Hit, "{step:?}, {errno:?}");
        }
    }
}

#[test]
fn an_entry_that_cannot_be_read_is_a_miss() {
    let folder = made();
    let place = Place(folder.path());
    place.load();
    for step in [Step::Open, Step::Read] {
        let load = in_a_thread(|| place.load_with(move || step.fails(Errno::IO), || {}));
        assert_eq!(load, Miss, "{step:?}");
        assert_eq!(place.load(), Hit, "{step:?}");
    }
}

#[test]
fn a_cache_that_cannot_be_made_is_an_error_and_leaves_nothing() {
    let folder = made();
    let place = Place(folder.path());
    for step in [Step::MakeFolder].into_iter().chain(WRITE) {
        for errno in FAILURES {
            let error = in_a_thread(|| {
                step.fails(errno);
                CompileCache::open(place.cache()).map_err(|error| error.kind())
            });
            assert_eq!(error.map(drop), Err("cache_io"), "{step:?}, {errno:?}");
            let made = step != Step::MakeFolder;
            assert_eq!(place.cache().exists(), made, "{step:?}, {errno:?}");
            if made {
                assert_eq!(place.found(), Found::default(), "{step:?}, {errno:?}");
                assert_eq!(place.load(), Miss);
                fs::remove_dir_all(place.cache()).unwrap();
            }
        }
    }
}

#[test]
fn of_two_writers_of_one_entry_both_succeed() {
    let folder = made();
    let place = Place(folder.path());
    for _ in 0..10 {
        place.load();
        place.clear();
        let both_have_compiled = Arc::new(Barrier::new(2));
        let load = || {
            let barrier = Arc::clone(&both_have_compiled);
            let wait = move || {
                barrier.wait();
            };
            place.load_with(|| {}, wait)
        };
        let loads = std::thread::scope(|scope| {
            let writers = [scope.spawn(load), scope.spawn(load)];
            writers.map(|writer| writer.join().unwrap())
        });
        assert_eq!(loads, [Miss, Miss]);
        let found = place.found();
        assert_eq!((found.entries.len(), found.temporary.len()), (1, 0));
        assert_eq!(place.load(), Hit);
    }
}

/// Only root can give files away; for everybody else there are root's.
#[test]
fn what_belongs_to_another_user_is_not_used() {
    let open = |path: &Path| CompileCache::open(path).map_err(|error| error.kind());
    if !rustix::process::geteuid().is_root() {
        assert_eq!(open(Path::new("/")).map(drop), Err("cache_not_private"));
        return;
    }
    let folder = made();
    let place = Place(folder.path());
    place.load();
    let give = |path: &Path, user| std::os::unix::fs::chown(path, Some(user), None).unwrap();
    give(&place.entry(), 1);
    assert_eq!(place.load(), Miss);
    assert_eq!(place.load(), Hit, "it was replaced by one's own");
    for path in [place.cache().join("key"), place.cache()] {
        give(&path, 1);
        let error = open(&place.cache()).map(drop);
        assert_eq!(error, Err("cache_not_private"), "{}", path.display());
        give(&path, 0);
    }
    assert_eq!(place.load(), Hit);
}
