//! No way back: what a host has accepted is a floor under what it loads next, whatever happens to the
//! folder in which it is remembered.
#![cfg(feature = "wasmtime")]
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use kpack::{
    Blame, LoadError, Pack, Runtime, StateDir, Step, TrustOnDisk, Verifier, VettedPack, Wasmtime,
    host_time,
};
use kpack_verify::{SignatureFile, SigningKey, TrustDraft, TrustEntry, TrustFile};
use serde_json::json;
use support::{Made, SCALE, pack, scale};
use tempfile::TempDir;

struct Work {
    folder: TempDir,
    pack: Made,
}

impl Work {
    fn new() -> Self {
        let work = Self {
            folder: tempfile::tempdir().unwrap(),
            pack: pack(&[("scale.wasm", SCALE)], json!([scale()])),
        };
        StateDir::init(work.state()).unwrap();
        work
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn state_file(&self) -> PathBuf {
        self.state().join("state")
    }

    #[cfg(unix)]
    fn lock_file(&self) -> PathBuf {
        self.state().join("lock")
    }

    /// Publishes a release of this sequence.
    fn publish(&self, sequence: u64) {
        self.pack
            .release(|manifest| manifest["sequence"] = json!(sequence));
    }

    fn verifier(&self) -> Verifier {
        Verifier::default().with_state(StateDir::open(self.state()).unwrap())
    }

    fn verify(&self) -> Result<VettedPack, LoadError> {
        self.verifier().verify(self.pack.path(), &self.pack.trust())
    }

    fn load(&self) -> Result<Pack, LoadError> {
        let runtime = Runtime::builder(Wasmtime::new().unwrap())
            .verifier(self.verifier())
            .build();
        runtime.load(self.pack.path(), &self.pack.trust())
    }

    fn floor(&self) -> Option<u64> {
        let state = StateDir::open(self.state()).unwrap().read().unwrap();
        let mut floors = state.floors().iter();
        floors.next().map(|(_, floor)| floor.sequence().get())
    }
}

fn kind<T>(result: Result<T, LoadError>) -> &'static str {
    result.map_or_else(|error| error.kind(), |_| "ok")
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
    let mut names: Vec<String> = entries.map(|entry| name(entry.unwrap())).collect();
    names.sort();
    names
}

#[test]
fn an_older_pack_is_refused_once_a_newer_was_loaded() {
    let work = Work::new();
    work.publish(2);
    assert_eq!(kind(work.load()), "ok");
    work.publish(1);
    let error = work.load().unwrap_err();
    assert_eq!((error.kind(), error.blame()), ("rollback", Blame::Pack));
    assert_eq!(error.step(), Some(Step::Floor));
    work.publish(0);
    assert_eq!(kind(work.load()), "rollback");
    work.publish(2);
    assert_eq!(kind(work.load()), "ok");
    work.pack
        .release(|manifest| manifest["version"] = json!("1.0.1"));
    assert_eq!(kind(work.load()), "sequence_reused");
    work.publish(u64::MAX);
    assert_eq!(kind(work.load()), "ok");
    assert_eq!(work.floor(), Some(u64::MAX));
    assert_eq!(
        names(&work.state()),
        ["lock", "state"],
        "nothing is left behind"
    );
}

#[test]
fn without_a_state_there_is_no_floor() {
    let work = Work::new();
    let runtime = Runtime::new(Wasmtime::new().unwrap());
    for sequence in [2, 1] {
        work.publish(sequence);
        runtime.load(work.pack.path(), &work.pack.trust()).unwrap();
    }
    assert_eq!(work.floor(), None);
}

#[test]
fn the_floor_rises_when_a_pack_was_accepted_and_not_before() {
    let work = Work::new();
    work.publish(2);
    let vetted = work.verify().unwrap();
    assert_eq!(work.floor(), None, "verified, and not accepted");
    vetted.accept().unwrap();
    assert_eq!(work.floor(), Some(2));

    // Refused by the last step, the static policy.
    work.pack.release(|manifest| {
        manifest["sequence"] = json!(3);
        manifest["kernels"][0]["entry_point"] = json!("nowhere");
    });
    assert_eq!(kind(work.load()), "entry_point_missing");
    assert_eq!(work.floor(), Some(2));

    // Runs on no engine that is here.
    work.pack.release(|manifest| {
        manifest["sequence"] = json!(4);
        manifest["kernels"][0]["entry_point"] = json!("run");
        manifest["kernels"][0]["platforms"] = json!({"other": {"min_version": "1.0.0"}});
    });
    assert_eq!(kind(work.load()), "engine_not_listed");
    assert_eq!(work.floor(), Some(2));
}

#[test]
fn one_kernel_that_was_compiled_raises_the_floor_too() {
    let work = Work::new();
    work.publish(2);
    let runtime = Runtime::builder(Wasmtime::new().unwrap())
        .state(StateDir::open(work.state()).unwrap())
        .build();
    let vetted = runtime
        .verifier()
        .verify(work.pack.path(), &work.pack.trust())
        .unwrap();
    assert!(runtime.compile_kernel(&vetted, "nope").is_err());
    assert_eq!(work.floor(), None);
    runtime.compile_kernel(&vetted, "rmsnorm_f32").unwrap();
    assert_eq!(work.floor(), Some(2));
}

#[test]
fn a_pack_that_was_judged_before_the_floor_rose_above_it_runs_no_more() {
    let work = Work::new();
    let runtime = Runtime::builder(Wasmtime::new().unwrap())
        .state(StateDir::open(work.state()).unwrap())
        .build();
    let judge = |sequence| {
        work.publish(sequence);
        let verifier = runtime.verifier();
        verifier.verify(work.pack.path(), &work.pack.trust())
    };
    let [none, old, new] = [0, 1, 2].map(|sequence| judge(sequence).unwrap());
    runtime.compile(&new).unwrap();
    for late in [&none, &old] {
        assert_eq!(kind(late.accept()), "rollback");
        assert_eq!(kind(runtime.compile(late)), "rollback");
        let one = runtime.compile_kernel(late, "rmsnorm_f32");
        assert_eq!(kind(one), "rollback");
    }
    assert_eq!(work.floor(), Some(2));
    runtime.compile(&new).unwrap();
}

#[test]
fn a_runtime_compiles_only_what_was_held_against_its_own_floors() {
    let work = Work::new();
    let judged = Verifier::default()
        .verify(work.pack.path(), &work.pack.trust())
        .unwrap();
    let runtime = Runtime::builder(Wasmtime::new().unwrap())
        .state(StateDir::open(work.state()).unwrap())
        .build();
    assert_eq!(runtime.compile(&judged).unwrap_err().kind(), "other_policy");
}

#[test]
fn a_state_that_is_missing_is_never_begun_anew() {
    let work = Work::new();
    work.publish(2);
    work.load().unwrap();
    let verifier = work.verifier();
    fs::remove_file(work.state_file()).unwrap();
    let error = verifier
        .verify(work.pack.path(), &work.pack.trust())
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.blame()),
        ("state_missing", Blame::Host)
    );
    assert_eq!(
        StateDir::open(work.state()).unwrap_err().kind(),
        "state_missing"
    );
    assert_eq!(names(&work.state()), ["lock"]);
    fs::remove_dir_all(work.state()).unwrap();
    assert_eq!(
        StateDir::open(work.state()).unwrap_err().kind(),
        "state_missing"
    );
    assert!(!work.state().exists());
    // The operator's own word.
    StateDir::init(work.state()).unwrap();
    assert_eq!(kind(work.load()), "ok");
}

#[test]
fn a_state_that_is_damaged_anywhere_is_never_begun_anew() {
    let work = Work::new();
    work.publish(2);
    work.load().unwrap();
    let good = fs::read(work.state_file()).unwrap();
    let damaged = |bytes: &[u8]| {
        fs::write(work.state_file(), bytes).unwrap();
        assert_eq!(
            StateDir::open(work.state()).unwrap_err().kind(),
            "state_damaged"
        );
        assert_eq!(fs::read(work.state_file()).unwrap(), bytes, "left as it is");
    };
    for at in 0..good.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 1 << (at % 8);
        damaged(&bytes);
        damaged(&good[..at]);
    }
    assert_eq!(
        StateDir::init(work.state()).unwrap_err().kind(),
        "state_exists"
    );
    let sparse = fs::File::create(work.state_file()).unwrap();
    sparse.set_len(1 << 40).unwrap();
    assert_eq!(
        StateDir::open(work.state()).unwrap_err().kind(),
        "state_too_large"
    );
    fs::write(work.state_file(), &good).unwrap();
    assert_eq!(work.floor(), Some(2));
}

#[test]
fn nothing_is_made_over_a_state() {
    let work = Work::new();
    work.publish(2);
    work.load().unwrap();
    assert_eq!(
        StateDir::init(work.state()).unwrap_err().kind(),
        "state_exists"
    );
    assert_eq!(work.floor(), Some(2));
}

#[test]
fn a_stale_temporary_file_disturbs_nothing() {
    let work = Work::new();
    fs::write(work.state().join(".kpack-stale.tmp"), "torn").unwrap();
    work.publish(2);
    assert_eq!(kind(work.load()), "ok");
    assert_eq!(work.floor(), Some(2));
}

#[test]
fn of_many_writers_only_those_below_the_floor_by_then_are_refused() {
    let work = Work::new();
    let packs: Vec<Made> = (1..=8)
        .map(|sequence| {
            let made = pack(&[("scale.wasm", SCALE)], json!([scale()]));
            made.release(|manifest| manifest["sequence"] = json!(sequence));
            made
        })
        .collect();
    for _ in 0..10 {
        fs::remove_dir_all(work.state()).unwrap();
        StateDir::init(work.state()).unwrap();
        // All are judged before any is accepted, as hosts that start at once do.
        let judged: Vec<VettedPack> = packs
            .iter()
            .map(|made| work.verifier().verify(made.path(), &made.trust()).unwrap())
            .collect();
        let ends: Vec<_> = std::thread::scope(|scope| {
            let accept = |pack| scope.spawn(move || kind(VettedPack::accept(pack)));
            let writers: Vec<_> = judged.iter().map(accept).collect();
            writers.into_iter().map(|it| it.join().unwrap()).collect()
        });
        let (newest, older) = ends.split_last().unwrap();
        assert_eq!(*newest, "ok", "nothing lies above it");
        assert!(older.iter().all(|end| ["ok", "rollback"].contains(end)));
        assert_eq!(work.floor(), Some(8));
        assert_eq!(names(&work.state()), ["lock", "state"]);
    }
}

#[test]
fn a_clock_before_the_build_date() {
    use std::time::{Duration, UNIX_EPOCH};
    for seconds in [0, 1_700_000_000] {
        let error = host_time(UNIX_EPOCH + Duration::from_secs(seconds)).unwrap_err();
        assert!(
            error.to_string().contains("before this kpack was released"),
            "{error}"
        );
        let error = LoadError::from(error);
        assert_eq!((error.kind(), error.blame()), ("clock", Blame::Host));
    }
    let never = UNIX_EPOCH + Duration::from_secs(1 << 60);
    assert!(host_time(never).is_err());
    assert!(host_time(std::time::SystemTime::now()).is_ok());
}

/// A trust file on disk with root keys, and who has signed it.
struct Rooted {
    path: PathBuf,
}

impl Rooted {
    fn write(&self, file: &TrustFile, signers: &[&SigningKey]) {
        fs::write(&self.path, file.text()).unwrap();
        let mut entries = signers.iter().map(|key| key.sign_trust(file));
        let beside = TrustOnDisk::signature_path(&self.path);
        _ = fs::remove_file(&beside);
        if let Some(first) = entries.next() {
            let mut signatures = SignatureFile::new(first);
            entries.for_each(|entry| signatures.upsert(entry).unwrap());
            fs::write(beside, signatures.to_json()).unwrap();
        }
    }

    fn prove(&self, state: Option<&StateDir>) -> &'static str {
        let proven = TrustOnDisk::read(&self.path).and_then(|read| read.prove(state));
        proven.map_or_else(|error| error.kind(), |proven| proven.origin().name())
    }
}

fn next(file: &TrustFile, root: &SigningKey) -> TrustFile {
    let mut draft = TrustDraft::of(file);
    draft.set_roots(vec![root.public_key()], 1);
    draft.finish().unwrap()
}

#[test]
fn the_first_roots_are_pinned_and_only_they_let_others_follow() {
    let work = Work::new();
    let state = StateDir::open(work.state()).unwrap();
    let [first_root, second_root, attacker] = [1, 2, 66].map(|n| SigningKey::from_seed(&[n; 32]));
    let rooted = Rooted {
        path: work.folder.path().join("trust.json"),
    };
    let mut draft = TrustDraft::new();
    draft.add_key(TrustEntry::new(attacker.public_key()));
    let local = draft.clone().finish().unwrap();
    draft.set_roots(vec![first_root.public_key()], 1);
    let first = draft.finish().unwrap();

    rooted.write(&local, &[]);
    assert_eq!(rooted.prove(Some(&state)), "local");
    rooted.write(&first, &[]);
    assert_eq!(rooted.prove(Some(&state)), "trust_unsigned");
    rooted.write(&first, &[&first_root]);
    assert_eq!(rooted.prove(None), "own_roots");
    assert!(
        state.read().unwrap().pinned().is_none(),
        "nothing without a state"
    );
    assert_eq!(rooted.prove(Some(&state)), "own_roots");
    assert_eq!(rooted.prove(Some(&state)), "pinned_roots");

    rooted.write(&local, &[]);
    assert_eq!(rooted.prove(Some(&state)), "trust_without_roots");
    let his = next(&first, &attacker);
    rooted.write(&his, &[&attacker]);
    assert_eq!(rooted.prove(Some(&state)), "trust_threshold_not_met");
    assert_eq!(
        rooted.prove(None),
        "own_roots",
        "which is why roots are pinned"
    );

    let second = next(&first, &second_root);
    rooted.write(&second, &[&second_root]);
    assert_eq!(rooted.prove(Some(&state)), "trust_threshold_not_met");
    rooted.write(&second, &[&first_root, &second_root]);
    assert_eq!(rooted.prove(Some(&state)), "pinned_roots");
    rooted.write(&first, &[&first_root]);
    assert_eq!(rooted.prove(Some(&state)), "trust_rollback");
    let pinned = state.read().unwrap();
    assert_eq!(pinned.pinned().unwrap().version(), 2);
}

#[test]
fn a_trust_file_that_has_expired_is_the_hosts_affair() {
    let work = Work::new();
    let mut json: serde_json::Value = serde_json::from_str(&work.pack.trust_json).unwrap();
    json["expires"] = json!("2026-03-01T00:00:00Z");
    let trust = kpack::Trust::from_json(&json.to_string()).unwrap();
    let at = |time: &str| {
        let moment = time.parse().unwrap();
        Verifier::default().verify_at(work.pack.path(), &trust, moment)
    };
    assert_eq!(kind(at("2026-02-28T23:59:59Z")), "ok");
    let error = at("2026-03-01T00:00:00Z").unwrap_err();
    assert_eq!(
        (error.kind(), error.blame()),
        ("trust_expired", Blame::Host)
    );
    assert_eq!(error.step(), Some(Step::Trust));
    // It is not even looked at what would be judged.
    let nowhere = Verifier::default().verify_at(
        work.folder.path().join("nowhere"),
        &trust,
        "2026-03-01T00:00:00Z".parse().unwrap(),
    );
    assert_eq!(kind(nowhere), "trust_expired");
}

#[cfg(unix)]
#[test]
fn a_trust_file_or_signature_that_is_no_regular_file_is_never_waited_for() {
    let work = Work::new();
    let path = work.folder.path().join("trust.json");
    let beside = TrustOnDisk::signature_path(&path);
    let read = || TrustOnDisk::read(&path).map_err(|error| (error.kind(), error.to_string()));
    let cannot = |path: &Path| {
        let text = format!("the trust file cannot be read: `{}`", path.display());
        Err(("unreadable", text))
    };
    let make_pipe = |at: &Path| {
        let made = std::process::Command::new("mkfifo").arg(at).status();
        assert!(made.unwrap().success());
    };
    make_pipe(&path);
    assert_eq!(read().map(drop), cannot(&path), "a pipe");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert_eq!(read().map(drop), cannot(&path), "a folder");
    fs::remove_dir(&path).unwrap();

    let elsewhere = work.folder.path().join("elsewhere");
    fs::write(&elsewhere, &work.pack.trust_json).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
    assert!(read().is_ok(), "a link to a file");
    make_pipe(&beside);
    assert_eq!(read().map(drop), cannot(&beside), "a pipe");
}

#[cfg(unix)]
mod modes {
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};

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
        work.publish(2);
        work.load().unwrap();
        assert_eq!(mode(&work.state()), 0o700);
        assert_eq!(mode(&work.state_file()), 0o600);
        assert_eq!(mode(&work.lock_file()), 0o600);
    }

    /// Opens what another user could open, and keeps it locked.
    fn locked(path: &Path) -> fs::File {
        let file = fs::File::open(path).unwrap();
        file.lock().unwrap();
        file
    }

    #[test]
    fn who_can_open_the_folder_keeps_no_writer_waiting() {
        let work = Work::new();
        set_mode(&work.state(), 0o755);
        let held = [locked(&work.state()), locked(&work.state_file())];
        let (sender, end) = std::sync::mpsc::channel();
        work.publish(2);
        let vetted = work.verify().unwrap();
        // Not a scoped thread: one that waits for ever must not be waited for.
        std::thread::spawn(move || sender.send(kind(vetted.accept())));
        let end = end.recv_timeout(std::time::Duration::from_secs(60));
        assert_eq!(end, Ok("ok"));
        drop(held);

        set_mode(&work.lock_file(), 0o644);
        work.publish(3);
        let vetted = work.verify().unwrap();
        assert_eq!(kind(vetted.accept()), "state_io", "a lock for everyone");
        assert_eq!(work.floor(), Some(2));
    }

    #[test]
    fn a_lock_that_was_removed_under_a_waiting_writer_is_taken_again() {
        let work = Work::new();
        work.publish(2);
        work.load().unwrap();
        work.publish(3);
        let vetted = work.verify().unwrap();
        let held = locked(&work.lock_file());
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| kind(vetted.accept()));
            std::thread::sleep(std::time::Duration::from_millis(100));
            fs::remove_file(work.lock_file()).unwrap();
            let next = fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(work.lock_file());
            let next = next.unwrap();
            next.lock().unwrap();
            drop(held);
            std::thread::sleep(std::time::Duration::from_millis(200));
            assert_eq!(work.floor(), Some(2), "it waits for the one that is there");
            drop(next);
            assert_eq!(writer.join().unwrap(), "ok");
        });
        assert_eq!(work.floor(), Some(3));
    }

    #[test]
    fn what_others_may_write_is_not_believed() {
        let work = Work::new();
        let kind = || StateDir::open(work.state()).unwrap_err().kind();
        set_mode(&work.state_file(), 0o660);
        assert_eq!(kind(), "state_not_private");
        set_mode(&work.state_file(), 0o600);
        set_mode(&work.state(), 0o777);
        assert_eq!(kind(), "state_not_private");
        set_mode(&work.state(), 0o755);
        assert!(StateDir::open(work.state()).is_ok(), "others may read");
        let elsewhere = work.folder.path().join("elsewhere");
        fs::rename(work.state_file(), &elsewhere).unwrap();
        symlink(&elsewhere, work.state_file()).unwrap();
        assert_eq!(kind(), "state_not_private");
        fs::remove_file(work.state_file()).unwrap();
        fs::create_dir(work.state_file()).unwrap();
        assert_eq!(kind(), "state_not_private");
    }
}
