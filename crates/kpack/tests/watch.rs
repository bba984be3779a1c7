//! A folder whose packs are staged as they appear: what is whole and good serves, and nothing else does.
#![cfg(all(feature = "wasmtime", feature = "watch"))]
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod support;

use std::fs;
use std::path::Path;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use kpack::{PackDir, Runtime, Slot, Wasmtime, WatchError, WatchEvent, WatchOptions, Watcher};
use serde_json::{Value, json};
use support::{Made, SCALE, pack, scale};
use tempfile::TempDir;

/// What must happen does so long before; a test that hangs ends.
const HANGS: Duration = Duration::from_secs(120);
const FILES: [&str; 3] = ["kernels.json", "scale.wasm", "kernels.json.sig"];

/// One pack, whose releases are told apart by their sequence, and the folder that is watched.
struct Released {
    made: Made,
    inbox: TempDir,
}

/// A slot that serves release 1, the watcher of a folder, and what it tells.
struct Watched {
    slot: Slot,
    watcher: Watcher,
    events: Receiver<String>,
}

impl Released {
    fn new() -> Self {
        Self {
            made: pack(&[("scale.wasm", SCALE)], json!([scale()])),
            inbox: tempfile::tempdir().unwrap(),
        }
    }

    fn release(&self, sequence: u64) -> &Path {
        let sign = |manifest: &mut Value| manifest["sequence"] = json!(sequence);
        self.made.release(sign);
        self.made.path()
    }

    fn watch(&self) -> Watched {
        let slot = Slot::builder(Runtime::new(Wasmtime::new().unwrap()));
        let slot = slot.start(self.release(1), &self.made.trust()).unwrap();
        let (tell, events) = mpsc::channel();
        let mut options = WatchOptions::default();
        options.quiet = Duration::from_millis(50);
        // A test that has seen enough listens no more.
        let options = options.on_event(move |event| _ = tell.send(in_words(event)));
        let watcher = Watcher::start(slot.clone(), self.inbox(), self.made.trust(), options);
        Watched {
            slot,
            watcher: watcher.unwrap(),
            events,
        }
    }

    fn inbox(&self) -> &Path {
        self.inbox.path()
    }

    /// Copies a file, which is there at once or not at all, however busy the machine is.
    fn put(&self, from: &Path, to: &Path) {
        let hidden = self.inbox().join(".file");
        fs::copy(from, &hidden).unwrap();
        fs::rename(hidden, to).unwrap();
    }

    /// Copies a release under a name that is passed over, and renames it.
    fn move_in(&self, sequence: u64, name: &str, damage: impl FnOnce(&Path)) {
        let (from, hidden) = (self.release(sequence), self.inbox().join(".copying"));
        fs::create_dir(&hidden).unwrap();
        for file in FILES {
            fs::copy(from.join(file), hidden.join(file)).unwrap();
        }
        damage(&hidden);
        fs::rename(hidden, self.inbox().join(name)).unwrap();
    }
}

impl Watched {
    fn next(&self) -> String {
        self.events.recv_timeout(HANGS).unwrap()
    }

    fn serves(&self) -> u64 {
        self.slot.current().pack().manifest().sequence()
    }
}

fn in_words(event: &WatchEvent) -> String {
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    match event {
        WatchEvent::Staged { path, .. } => format!("staged {}", name(path)),
        WatchEvent::Failed { path, error } => format!("{} {}", error.kind(), name(path)),
        WatchEvent::LeftAside { path, sequence } => format!("aside {} {sequence}", name(path)),
        other => format!("{other:?}"),
    }
}

/// Flips a bit, so that the file has its length and not its digest.
fn damage(pack: &Path) {
    let mut module = fs::read(pack.join("scale.wasm")).unwrap();
    *module.last_mut().unwrap() ^= 1;
    fs::write(pack.join("scale.wasm"), module).unwrap();
}

#[test]
fn a_pack_that_is_moved_in_is_swapped() {
    let released = Released::new();
    let watched = released.watch();
    released.move_in(2, "second", |_| ());
    assert_eq!(watched.next(), "staged second");
    assert_eq!(watched.serves(), 2);
    released.move_in(3, "third", |_| ());
    assert_eq!(watched.next(), "staged third");
    assert_eq!(watched.serves(), 3);
}

#[test]
fn a_pack_that_is_copied_with_its_signature_last_is_staged_once_it_is_whole() {
    let released = Released::new();
    let watched = released.watch();
    let from = released.release(2);
    let to = released.inbox().join("second");
    fs::create_dir(&to).unwrap();
    for file in FILES {
        assert_eq!(watched.serves(), 1);
        // Time in which what is not whole would be taken, were it taken.
        std::thread::sleep(Duration::from_millis(200));
        assert!(watched.events.try_recv().is_err(), "before {file}");
        released.put(&from.join(file), &to.join(file));
    }
    assert_eq!(watched.next(), "staged second");
    assert_eq!(watched.serves(), 2);
    assert_eq!(watched.slot.counts().refused, 0);
}

#[test]
fn a_pack_whose_module_comes_last_is_refused_until_it_is_whole() {
    let released = Released::new();
    let watched = released.watch();
    released.move_in(2, "second", |pack| {
        fs::remove_file(pack.join("scale.wasm")).unwrap();
    });
    assert_eq!(watched.next(), "missing_file second");
    assert_eq!(watched.serves(), 1);
    let to = released.inbox().join("second/scale.wasm");
    released.put(&released.made.path().join("scale.wasm"), &to);
    assert_eq!(watched.next(), "staged second");
    assert_eq!(watched.serves(), 2);
}

#[test]
fn an_archive_is_staged_like_a_folder() {
    let released = Released::new();
    let watched = released.watch();
    let bytes = PackDir::open(released.release(2)).unwrap().read().unwrap();
    let archive = tempfile::NamedTempFile::new().unwrap();
    fs::write(archive.path(), bytes.to_archive().unwrap()).unwrap();
    released.put(archive.path(), &released.inbox().join("second.kpack"));
    assert_eq!(watched.next(), "staged second.kpack");
    assert_eq!(watched.serves(), 2);
}

#[test]
fn a_bad_pack_leaves_the_old_one_and_the_next_is_staged() {
    let released = Released::new();
    let watched = released.watch();
    released.move_in(3, "bad", damage);
    assert_eq!(watched.next(), "digest_mismatch bad");
    assert_eq!(watched.serves(), 1);
    released.move_in(2, "good", |_| ());
    // The bad one has not changed, and is not tried again.
    assert_eq!(watched.next(), "staged good");
    assert_eq!(watched.serves(), 2);
    let counts = watched.slot.counts();
    assert_eq!((counts.refused, counts.refused_at_once), (1, 0));
}

#[test]
fn of_what_is_there_at_the_start_the_highest_good_one_serves() {
    let released = Released::new();
    for sequence in [2, 4, 3] {
        released.move_in(sequence, &format!("p{sequence}"), |_| ());
    }
    released.move_in(5, "p5", damage);
    let watched = released.watch();
    let told: Vec<String> = (0..4).map(|_| watched.next()).collect();
    assert_eq!(
        told,
        [
            "digest_mismatch p5",
            "staged p4",
            "aside p3 3",
            "aside p2 2"
        ]
    );
    assert_eq!(watched.serves(), 4);
    assert_eq!(watched.slot.counts().swapped, 1);
}

#[test]
fn an_older_pack_is_left_aside() {
    let released = Released::new();
    let watched = released.watch();
    released.move_in(2, "second", |_| ());
    assert_eq!(watched.next(), "staged second");
    released.move_in(1, "first", |_| ());
    assert_eq!(watched.next(), "aside first 1");
    assert_eq!(watched.serves(), 2);
}

#[cfg(unix)]
#[test]
fn links_and_other_names_are_passed_over() {
    let released = Released::new();
    let watched = released.watch();
    let elsewhere = tempfile::tempdir().unwrap();
    let from = released.release(9);
    for file in FILES {
        fs::copy(from.join(file), elsewhere.path().join(file)).unwrap();
    }
    std::os::unix::fs::symlink(elsewhere.path(), released.inbox().join("link")).unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), released.inbox().join("link.kpack")).unwrap();
    fs::write(released.inbox().join("notes.txt"), "none").unwrap();
    let none = elsewhere.path().join("none");
    fs::write(&none, "none").unwrap();
    released.put(&none, &released.inbox().join("none.kpack"));
    assert_eq!(watched.next(), "archive_truncated none.kpack");
    released.move_in(2, "second", |_| ());
    assert_eq!(watched.next(), "staged second");
    assert_eq!(watched.serves(), 2);
}

#[test]
fn dropping_it_ends_its_thread() {
    let released = Released::new();
    let Watched {
        slot,
        watcher,
        events,
    } = released.watch();
    drop(watcher);
    // The thread had the other end.
    let ended = events.recv_timeout(HANGS).unwrap_err();
    assert_eq!(ended, mpsc::RecvTimeoutError::Disconnected);
    released.move_in(2, "second", |_| ());
    assert_eq!(slot.current().pack().manifest().sequence(), 1);
}

#[test]
fn a_callback_that_panics_does_not_stop_it() {
    let released = Released::new();
    let slot = Slot::builder(Runtime::new(Wasmtime::new().unwrap()));
    let slot = slot
        .start(released.release(1), &released.made.trust())
        .unwrap();
    let (tell, events) = mpsc::channel();
    let mut options = WatchOptions::default();
    options.quiet = Duration::from_millis(50);
    let options = options.on_event(move |event| {
        tell.send(in_words(event)).unwrap();
        panic!("as told");
    });
    let _watcher = Watcher::start(slot, released.inbox(), released.made.trust(), options).unwrap();
    for (sequence, name) in [(2, "second"), (3, "third")] {
        released.move_in(sequence, name, |_| ());
        let told = events.recv_timeout(HANGS).unwrap();
        assert_eq!(told, format!("staged {name}"));
    }
}

#[test]
fn there_must_be_a_folder() {
    let released = Released::new();
    let watched = released.watch();
    let nowhere = released.inbox().join("nowhere");
    let error = Watcher::start(
        watched.slot.clone(),
        nowhere,
        released.made.trust(),
        WatchOptions::default(),
    );
    let error = error.unwrap_err();
    assert!(matches!(error, WatchError::Folder { .. }));
    assert_eq!(error.kind(), "watch_folder");
}
