//! The host's state on a disk that fails, under processes that are killed, and among other users.

use std::fs;
use std::path::{Path, PathBuf};

use kpack::{LoadError, StateDir, Trust, Verifier, VettedPack};
use serde_json::json;
use tempfile::TempDir;

use crate::support::{Made, SCALE, pack, scale};
use crate::system_calls::{Child, Death, FAILURES, Step, WRITE, in_a_thread};

/// A folder with a pack and a state.
struct Place<'a>(&'a Path);

/// The pack is at sequence 2, which was accepted, or at 3, which was not yet.
struct Work {
    folder: TempDir,
    pack: Made,
    accepted: String,
}

impl Work {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = pack(&[("scale.wasm", SCALE)], json!([scale()]));
        made.release(|manifest| manifest["sequence"] = json!(2));
        let place = Place(folder.path());
        StateDir::init(place.state()).unwrap();
        fs::write(folder.path().join("trust.json"), &made.trust_json).unwrap();
        std::os::unix::fs::symlink(made.path(), folder.path().join("pack")).unwrap();
        place.judge().accept().unwrap();
        let accepted = fs::read_to_string(place.file()).unwrap();
        made.release(|manifest| manifest["sequence"] = json!(3));
        Self {
            folder,
            pack: made,
            accepted,
        }
    }

    fn place(&self) -> Place<'_> {
        Place(self.folder.path())
    }

    /// Back to where only 2 was accepted.
    fn reset(&self) {
        let state = self.place().state();
        fs::remove_dir_all(&state).unwrap();
        StateDir::init(state).unwrap();
        fs::write(self.place().file(), &self.accepted).unwrap();
        assert_eq!(self.place().floor(), 2);
    }
}

impl Place<'_> {
    fn state(&self) -> PathBuf {
        self.0.join("state")
    }

    fn file(&self) -> PathBuf {
        self.state().join("state")
    }

    fn judge(&self) -> VettedPack {
        let trust = fs::read_to_string(self.0.join("trust.json")).unwrap();
        let trust = Trust::from_json(&trust).unwrap();
        let verifier = Verifier::default().with_state(StateDir::open(self.state()).unwrap());
        let pack = fs::read_link(self.0.join("pack")).unwrap();
        verifier.verify(pack, &trust).unwrap()
    }

    fn floor(&self) -> u64 {
        let state = StateDir::open(self.state()).unwrap().read().unwrap();
        let (_, floor) = state.floors().iter().next().unwrap();
        floor.sequence().get()
    }

    /// The lengths of files that were being written.
    fn temporary(&self) -> Vec<u64> {
        let files = fs::read_dir(self.state()).unwrap().map(Result::unwrap);
        let is_temporary = |file: &fs::DirEntry| {
            let name = file.file_name().into_string().unwrap();
            name.starts_with(".kpack-")
        };
        files
            .filter(is_temporary)
            .map(|file| file.metadata().unwrap().len())
            .collect()
    }
}

fn kind<T>(result: Result<T, LoadError>) -> &'static str {
    result.map_or_else(|error| error.kind(), |_| "ok")
}

#[test]
fn killed_at_each_step_of_a_write_a_process_leaves_the_old_state_or_the_new_one() {
    let test =
        "state::killed_at_each_step_of_a_write_a_process_leaves_the_old_state_or_the_new_one";
    if let Some(child) = Child::of_parent() {
        let vetted = Place(&child.folder).judge();
        child.await_death();
        vetted.accept().unwrap();
        return;
    }
    let work = Work::new();
    let place = work.place();
    place.judge().accept().unwrap();
    let whole = fs::metadata(place.file()).unwrap().len();
    let by_length = (0..=whole).step_by(16).chain([whole - 1, whole]);
    let deaths = WRITE.map(Death::At).into_iter();
    for death in deaths.chain(by_length.map(Death::After)) {
        work.reset();
        let killed = death.of_child(test, work.folder.path());
        let (floor, temporary) = match death {
            Death::At(Step::Create) => (2, None),
            Death::At(Step::Write) => (2, Some(0)),
            Death::At(Step::Sync | Step::Rename) => (2, Some(whole)),
            Death::After(bytes) if bytes < whole => (2, Some(bytes)),
            _ => (3, None),
        };
        assert_eq!(place.floor(), floor, "{death:?}");
        let left: Vec<u64> = temporary.into_iter().collect();
        assert_eq!(place.temporary(), left, "{death:?}");
        let survived = matches!(death, Death::After(bytes) if bytes >= whole);
        assert_eq!(killed, !survived, "{death:?}");
        // The lock died with its holder.
        assert_eq!(kind(place.judge().accept()), "ok", "{death:?}");
        assert_eq!(place.floor(), 3, "{death:?}");
    }
    assert!(work.pack.path().exists());
}

#[test]
fn a_disk_that_fails_at_any_step_of_a_write_accepts_nothing_new_and_forgets_nothing() {
    let work = Work::new();
    let place = work.place();
    for step in [Step::Lock].into_iter().chain(WRITE) {
        for errno in FAILURES {
            work.reset();
            let vetted = place.judge();
            let end = in_a_thread(|| {
                step.fails(errno);
                kind(vetted.accept())
            });
            assert_eq!(end, "state_io", "{step:?}, {errno:?}");
            // Where only that its folder reached the disk is not known, the new floor stands already.
            let floor = if step == Step::OpenFolder { 3 } else { 2 };
            assert_eq!(place.floor(), floor, "{step:?}, {errno:?}");
            assert!(place.temporary().is_empty(), "{step:?}, {errno:?}");
            assert_eq!(kind(vetted.accept()), "ok", "{step:?}, {errno:?}");
            assert_eq!(place.floor(), 3, "{step:?}, {errno:?}");
        }
    }
}

#[test]
fn a_state_that_cannot_be_read_lets_nothing_pass() {
    let work = Work::new();
    let vetted = work.place().judge();
    for step in [Step::Open, Step::Read] {
        for errno in FAILURES {
            let end = in_a_thread(|| {
                step.fails(errno);
                kind(vetted.accept())
            });
            assert_eq!(end, "state_io", "{step:?}, {errno:?}");
        }
    }
    assert_eq!(work.place().floor(), 2);
}

#[test]
fn a_state_that_cannot_be_made_is_an_error_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place(folder.path());
    for step in [Step::MakeFolder].into_iter().chain(WRITE) {
        for errno in FAILURES {
            let init = || StateDir::init(place.state()).map_err(|error| error.kind());
            let failing = || {
                step.fails(errno);
                init()
            };
            let end = in_a_thread(failing).map(drop);
            assert_eq!(end, Err("state_io"), "{step:?}, {errno:?}");
            let made = step != Step::MakeFolder;
            assert_eq!(place.state().exists(), made, "{step:?}, {errno:?}");
            if made {
                assert!(place.temporary().is_empty(), "{step:?}, {errno:?}");
                // Where only that its folder reached the disk is not known, the state is there.
                let expected = (step == Step::OpenFolder).then_some("state_exists");
                assert_eq!(init().err(), expected, "{step:?}, {errno:?}");
                fs::remove_dir_all(place.state()).unwrap();
            }
        }
    }
}

/// Only root can give files away; for everybody else there are root's.
#[test]
fn what_belongs_to_another_user_is_not_believed() {
    let open = |path: &Path| StateDir::open(path).map_err(|error| error.kind());
    if !rustix::process::geteuid().is_root() {
        assert_eq!(open(Path::new("/")).map(drop), Err("state_not_private"));
        return;
    }
    let work = Work::new();
    let place = work.place();
    for path in [place.file(), place.state()] {
        std::os::unix::fs::chown(&path, Some(1), None).unwrap();
        let error = open(&place.state()).map(drop);
        assert_eq!(error, Err("state_not_private"), "{}", path.display());
        std::os::unix::fs::chown(&path, Some(0), None).unwrap();
    }
    assert_eq!(place.floor(), 2);
}
