//! Packs in one file: the one archive of each pack is read back, and everything else is refused.

mod hostile;
mod tar;

use kpack_verify::{PackBytes, PackLimits, PackParts, UnarchivableError, sha256};
use proptest::prelude::*;

use self::tar::{BLOCK, Header, NAME, PREFIX, Tar};
use crate::support::{Draft, key, path, trusting};

/// What GNU tar made of [`small`], see the test that rebuilds it.
const GNU_TAR: &[u8] = include_bytes!("gnu-tar.kpack");

/// A path that fills both fields of a header.
fn longest_path() -> String {
    format!("{}/{}", "d".repeat(155), "f".repeat(100))
}

fn small() -> PackParts {
    let files = [
        ("a/kernel.wasm".to_owned(), b"\0asm\x01\0\0\0".to_vec()),
        ("a-b".to_owned(), vec![7; BLOCK]),
        (longest_path(), Vec::new()),
    ];
    PackParts {
        manifest: b"{\"name\":\"small\"}".to_vec(),
        signature: Some(b"signatures".to_vec()),
        files: files.map(|(name, bytes)| (path(&name), bytes)).into(),
    }
}

fn archive(parts: PackParts) -> Vec<u8> {
    PackBytes::new(parts).unwrap().to_archive().unwrap()
}

fn read(archive: &[u8]) -> PackBytes {
    PackBytes::from_archive(archive, &PackLimits::default()).unwrap()
}

/// The kind in which reading ends; `ok` where there is a pack.
fn kind(archive: &[u8]) -> &'static str {
    kind_within(archive, &PackLimits::default())
}

fn kind_within(archive: &[u8], limits: &PackLimits) -> &'static str {
    PackBytes::from_archive(archive, limits).map_or_else(|error| error.kind(), |_| "ok")
}

fn same(left: &PackBytes, right: &PackBytes) -> bool {
    left.manifest() == right.manifest()
        && left.signature() == right.signature()
        && left.files().eq(right.files())
}

#[test]
fn what_was_archived_is_verified_as_the_folder_is() {
    let parts = Draft::new().signed(&[&key(1)]);
    let pack = PackBytes::new(parts).unwrap();
    let archive = pack.to_archive().unwrap();
    let read = read(&archive);
    assert!(same(&read, &pack));
    assert_eq!(read.to_archive().unwrap(), archive);
    let now = "2026-06-01T00:00:00Z".parse().unwrap();
    let verified = trusting(&[&key(1)]).verify(read, now).unwrap();
    assert_eq!(verified.signers(), [key(1).id()]);
}

#[test]
fn a_pack_without_signature_is_told_apart_from_a_broken_archive() {
    let mut parts = Draft::new().signed(&[&key(1)]);
    parts.signature = None;
    let unsigned = read(&archive(parts));
    let now = "2026-06-01T00:00:00Z".parse().unwrap();
    let error = trusting(&[&key(1)]).verify(unsigned, now).unwrap_err();
    assert_eq!(error.kind(), "missing_signature");
}

/// The archive on every machine, and of every later version too.
#[test]
fn the_same_pack_gives_the_same_bytes_everywhere() {
    let archive = archive(small());
    assert_eq!(
        sha256(&archive).to_string(),
        "sha256:699897e42a86f44f00db48e1587e7d65f71fec303c5c3a13632e07bf1ceda9d0"
    );
    assert!(archive == GNU_TAR, "another archive than GNU tar makes");
}

/// Nothing but the files is in an archive: neither a time nor an owner nor the order in which a file
/// system lists.
#[cfg(target_os = "linux")]
#[test]
fn gnu_tar_makes_the_same_archive_and_unpacks_it() {
    use std::fs;
    use std::path::Path;
    use std::process::Command;

    let tar = |folder: &Path, args: &[&str]| {
        let mut command = Command::new("tar");
        let ran = command.current_dir(folder).args(args).output().unwrap();
        assert!(ran.status.success(), "{ran:?}");
    };
    let version = Command::new("tar").arg("--version").output();
    if !version.is_ok_and(|ran| ran.stdout.starts_with(b"tar (GNU tar)")) {
        eprintln!("not compared: there is no GNU tar here");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("x.kpack"), archive(small())).unwrap();
    tar(folder, &["-xf", "x.kpack"]);
    for (path, bytes) in small().files {
        assert_eq!(fs::read(folder.join(path.as_str())).unwrap(), bytes);
    }
    let longest = longest_path();
    let mut args = vec!["--format=ustar", "-b1", "--numeric-owner", "--owner=0"];
    args.extend(["--group=0", "--mode=0644", "--mtime=@0", "-cf", "y.kpack"]);
    args.extend(["kernels.json", "kernels.json.sig", "a-b", "a/kernel.wasm"]);
    tar(folder, &[&args[..], &[&longest]].concat());
    assert!(fs::read(folder.join("y.kpack")).unwrap() == archive(small()));
}

#[test]
fn paths_are_cut_where_the_format_says_and_refused_where_it_has_no_place() {
    let of_length =
        |before: usize, behind: usize| format!("{}/{}", "d".repeat(before), "f".repeat(behind));
    for name in [
        "f".repeat(100),
        of_length(100, 100),
        of_length(155, 1),
        longest_path(),
        "a/".repeat(77) + &"f".repeat(100),
        "a/".repeat(127) + "bb",
    ] {
        let mut parts = PackParts::default();
        parts.files.insert(path(&name), vec![1]);
        let read = read(&archive(parts));
        assert_eq!(read.file(&path(&name)).unwrap()[..], [1], "{name}");
    }
    for name in ["f".repeat(101), of_length(99, 101), of_length(156, 99)] {
        let mut parts = PackParts::default();
        parts.files.insert(path(&name), vec![1]);
        let error = PackBytes::new(parts).unwrap().to_archive().unwrap_err();
        assert_eq!(error.kind(), "unarchivable_path");
        assert_eq!(error, UnarchivableError::Path { path: name });
    }
    // One path, one spelling.
    let short = Header::file("kernel.wasm", 0).with(PREFIX, b"a");
    assert_eq!(
        kind(&Tar::started().entry(&short, b"").end()),
        "archive_header"
    );
    let (before, behind) = ("d/".repeat(60), "f".repeat(20));
    let late = Header::file("", 0)
        .with(NAME, behind.as_bytes())
        .with(PREFIX, before.trim_end_matches('/').as_bytes());
    assert_eq!(kind(&Tar::started().entry(&late, b"").end()), "ok");
    let early = Header::file("", 0)
        .with(NAME, format!("d/{behind}").as_bytes())
        .with(PREFIX, &before.as_bytes()[..before.len() - 3]);
    assert_eq!(
        kind(&Tar::started().entry(&early, b"").end()),
        "archive_header"
    );
}

#[test]
fn each_limit_of_a_pack_is_that_of_its_archive_and_inclusive() {
    let mut limits = PackLimits::default();
    limits.max_manifest_bytes = 16;
    limits.max_signature_bytes = 10;
    limits.max_file_bytes = BLOCK;
    limits.max_total_bytes = BLOCK + 8;
    limits.max_files = 3;
    let whole = archive(small());
    assert_eq!(kind_within(&whole, &limits), "ok");
    let with = |change: &dyn Fn(&mut PackLimits)| {
        let mut tighter = limits;
        change(&mut tighter);
        kind_within(&whole, &tighter)
    };
    assert_eq!(
        with(&|limits| limits.max_manifest_bytes -= 1),
        "file_too_large"
    );
    assert_eq!(
        with(&|limits| limits.max_signature_bytes -= 1),
        "file_too_large"
    );
    assert_eq!(with(&|limits| limits.max_file_bytes -= 1), "file_too_large");
    assert_eq!(
        with(&|limits| limits.max_total_bytes -= 1),
        "pack_too_large"
    );
    assert_eq!(with(&|limits| limits.max_files -= 1), "too_many_files");
}

#[test]
fn no_archive_of_a_pack_within_the_limits_is_too_large() {
    let mut limits = PackLimits::default();
    limits.max_manifest_bytes = 1;
    limits.max_signature_bytes = 1;
    limits.max_file_bytes = 1;
    limits.max_total_bytes = 9;
    limits.max_files = 9;
    let files = (0..9).map(|number| (path(&format!("f{number}")), vec![1]));
    let parts = PackParts {
        manifest: vec![1],
        signature: Some(vec![1]),
        files: files.collect(),
    };
    let mut largest = archive(parts);
    assert_eq!(kind_within(&largest, &limits), "ok");
    let len = u64::try_from(largest.len()).unwrap();
    assert_eq!(len, limits.max_archive_bytes());
    largest.push(0);
    assert_eq!(kind_within(&largest, &limits), "pack_too_large");
    let unlimited = PackLimits::default();
    assert!(unlimited.max_archive_bytes() < 270 << 20);
    let mut absurd = unlimited;
    absurd.max_total_bytes = usize::MAX;
    absurd.max_files = usize::MAX;
    absurd.max_manifest_bytes = usize::MAX;
    assert!(absurd.max_archive_bytes() >= u64::try_from(usize::MAX).unwrap());
}

fn any_parts() -> impl Strategy<Value = PackParts> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..1100);
    let name = "[a-z]{1,8}(/[A-Za-z0-9_-][a-z0-9._-]{0,120}[a-z]){0,2}";
    let files = prop::collection::btree_map(name, bytes(), 0..8);
    (bytes(), prop::option::of(bytes()), files).prop_map(|(manifest, signature, files)| {
        let safe = files
            .into_iter()
            .filter_map(|(name, bytes)| Some((name.parse().ok()?, bytes)));
        PackParts {
            manifest,
            signature,
            files: safe.collect(),
        }
    })
}

proptest! {
    #[test]
    fn every_pack_that_has_an_archive_is_read_back(parts in any_parts()) {
        let Ok(pack) = PackBytes::new(parts) else { return Ok(()) };
        let Ok(archive) = pack.to_archive() else { return Ok(()) };
        prop_assert!(same(&read(&archive), &pack));
    }

    /// Whatever is read was written so: no two archives are the same pack.
    #[test]
    fn an_archive_that_is_read_is_the_one_that_would_be_written(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut changed = archive(small());
        for (at, byte) in changes {
            let at = at.index(changed.len());
            changed[at] = byte;
        }
        if let Ok(pack) = PackBytes::from_archive(&changed, &PackLimits::default()) {
            prop_assert!(pack.to_archive().unwrap() == changed);
        }
    }
}
