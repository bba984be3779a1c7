//! Somebody swaps files of a pack while it is loaded: the bytes that were hashed are the bytes that
//! run.
#![cfg(all(feature = "wasmtime", unix))]
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use kpack::{PackDir, Runtime, Tensor, Wasmtime};
use serde_json::json;
use support::{Made, kernel, pack};

/// Loads of each test.
const RACES: usize = 1_000;

/// What was signed: every call succeeds.
const GOOD: &str = r#"(module (memory (export "memory") 1)
  (func (export "run") (param i32) (result i32) i32.const 0))"#;

/// Of the same length, and another status.
const EVIL: &str = r#"(module (memory (export "memory") 1)
  (func (export "run") (param i32) (result i32) i32.const 6))"#;

fn signed() -> Made {
    let mut kernel = kernel("k", "folder/k.wasm");
    // A busy machine is none of what is tested.
    kernel["resource_limits"]["max_epoch_ticks"] = json!(6_000);
    pack(&[("folder/k.wasm", GOOD)], json!([kernel]))
}

/// Tells the other thread to end, also where a test fails.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Calls `swap` to and fro while the pack at `path` is loaded and its kernel called, and counts how
/// that ended, by kind.
fn race(made: &Made, path: &Path, swap: impl Fn(Side) + Sync) -> BTreeMap<&'static str, usize> {
    let runtime = Runtime::new(Wasmtime::new().unwrap());
    let trust = made.trust();
    let over = AtomicBool::new(false);
    let mut ends = BTreeMap::new();
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                swap(Side::Evil);
                thread::yield_now();
                swap(Side::Good);
                thread::yield_now();
            }
        });
        let _over = Over(&over);
        for _ in 0..RACES {
            let end = match runtime.load(path, &trust) {
                Ok(pack) => {
                    let x = Tensor::new(&[1], vec![1.0_f32]).unwrap();
                    let kernel = pack.kernel("k").unwrap();
                    let ran = kernel.call().input("x", &x).unwrap().run();
                    // The module with another status never was one to run.
                    ran.map_or_else(|error| panic!("{error:?}"), |_| "ok")
                }
                Err(error) => error.kind(),
            };
            *ends.entry(end).or_insert(0) += 1;
        }
    });
    ends
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Good,
    Evil,
}

/// Each end is one of those that were to be expected, and the good pack was loaded as well as the
/// swap seen.
fn assert_ends(ends: &BTreeMap<&'static str, usize>, expected: &[&str]) {
    assert!(
        ends.keys()
            .all(|end| *end == "ok" || expected.contains(end)),
        "{ends:?}"
    );
    assert!(
        ends.contains_key("ok") && ends.len() > 1,
        "no race: {ends:?}"
    );
}

#[test]
fn a_module_that_is_replaced() {
    let made = signed();
    let elsewhere = tempfile::tempdir().unwrap();
    let module = made.path().join("folder/k.wasm");
    let texts = [(Side::Good, GOOD), (Side::Evil, EVIL)];
    let modules = texts.map(|(side, text)| (side, wat::parse_str(text).unwrap()));
    let ends = race(&made, made.path(), |side| {
        let (_, bytes) = modules.iter().find(|(of, _)| *of == side).unwrap();
        let new = elsewhere.path().join("new");
        fs::write(&new, bytes).unwrap();
        fs::rename(new, &module).unwrap();
    });
    assert_ends(&ends, &["digest_mismatch"]);
}

#[test]
fn a_module_that_is_written_over_in_place() {
    let made = signed();
    let module = made.path().join("folder/k.wasm");
    let (good, evil) = (wat::parse_str(GOOD).unwrap(), wat::parse_str(EVIL).unwrap());
    let ends = race(&made, made.path(), |side| {
        let bytes = if side == Side::Good { &good } else { &evil };
        fs::write(&module, bytes).unwrap();
    });
    assert_ends(&ends, &["digest_mismatch", "file_changed"]);
}

#[test]
fn a_module_that_becomes_a_link_to_another() {
    let made = signed();
    let elsewhere = tempfile::tempdir().unwrap();
    let evil = elsewhere.path().join("evil.wasm");
    fs::write(&evil, wat::parse_str(EVIL).unwrap()).unwrap();
    let good = elsewhere.path().join("good.wasm");
    fs::copy(made.path().join("folder/k.wasm"), &good).unwrap();
    let module = made.path().join("folder/k.wasm");
    let new = elsewhere.path().join("new");
    let ends = race(&made, made.path(), |side| {
        match side {
            Side::Good => _ = fs::copy(&good, &new).unwrap(),
            Side::Evil => symlink(&evil, &new).unwrap(),
        }
        fs::rename(&new, &module).unwrap();
    });
    assert_ends(&ends, &["symlink"]);
}

#[test]
fn a_folder_that_becomes_a_link_to_another() {
    let made = signed();
    let elsewhere = tempfile::tempdir().unwrap();
    let evil = elsewhere.path().join("evil");
    fs::create_dir(&evil).unwrap();
    fs::write(evil.join("k.wasm"), wat::parse_str(EVIL).unwrap()).unwrap();
    let folder = made.path().join("folder");
    let aside = elsewhere.path().join("aside");
    let ends = race(&made, made.path(), |side| match side {
        Side::Evil => {
            fs::rename(&folder, &aside).unwrap();
            symlink(&evil, &folder).unwrap();
        }
        Side::Good => {
            fs::remove_file(&folder).unwrap();
            fs::rename(&aside, &folder).unwrap();
        }
    });
    assert_ends(&ends, &["symlink", "missing_file"]);
}

#[test]
fn an_archive_that_is_replaced() {
    let (made, other) = (signed(), signed());
    let elsewhere = tempfile::tempdir().unwrap();
    let archives = [&made, &other].map(|made| {
        let pack = PackDir::open(made.path()).unwrap().read().unwrap();
        pack.to_archive().unwrap()
    });
    let path = elsewhere.path().join("x.kpack");
    fs::write(&path, &archives[0]).unwrap();
    let new = elsewhere.path().join("new");
    let ends = race(&made, &path, |side| {
        let bytes = match side {
            Side::Good => &archives[0],
            Side::Evil => &archives[1],
        };
        fs::write(&new, bytes).unwrap();
        fs::rename(&new, &path).unwrap();
    });
    assert_ends(&ends, &["untrusted_key"]);
}
