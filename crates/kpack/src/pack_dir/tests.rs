use std::fs;

use kpack_exec::Blame;
use tempfile::TempDir;

use super::*;

fn pack() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(MANIFEST_FILE), "{}").unwrap();
    fs::create_dir(folder.path().join("a")).unwrap();
    fs::write(folder.path().join("a/kernel.wasm"), [1, 2, 3]).unwrap();
    folder
}

fn refusal(folder: &TempDir) -> ReadPackError {
    refusal_with(folder, PackLimits::default())
}

fn refusal_with(folder: &TempDir, limits: PackLimits) -> ReadPackError {
    let opened = PackDir::open_with(folder.path(), limits).unwrap();
    opened.read().unwrap_err()
}

#[test]
fn every_file_is_read_once_and_whole() {
    let folder = pack();
    let opened = PackDir::open(folder.path()).unwrap();
    let bytes = opened.read().unwrap();
    assert_eq!(bytes.manifest(), b"{}");
    assert_eq!(bytes.signature(), None);
    let path: PackPath = "a/kernel.wasm".parse().unwrap();
    assert_eq!(bytes.file(&path).unwrap()[..], [1, 2, 3]);
    assert_eq!(bytes.files().len(), 1);
    assert_eq!(opened.file(&path).unwrap(), [1, 2, 3]);

    fs::write(folder.path().join(SIGNATURE_FILE), "sig").unwrap();
    assert_eq!(opened.signature().unwrap().unwrap(), b"sig");
    assert_eq!(opened.read().unwrap().signature(), Some(&b"sig"[..]));
}

#[test]
fn what_is_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(
        refusal(&folder).to_string(),
        "the pack has no file: `kernels.json`"
    );
    let nowhere = PackDir::open(folder.path().join("nowhere")).unwrap_err();
    assert!(matches!(nowhere, ReadPackError::NoPack { .. }));
    fs::write(folder.path().join("file"), "").unwrap();
    let file = PackDir::open(folder.path().join("file")).unwrap_err();
    assert!(matches!(file, ReadPackError::NotAFolder { .. }), "{file:?}");

    let folder = pack();
    let opened = PackDir::open(folder.path()).unwrap();
    for missing in ["b.wasm", "b/kernel.wasm", "a/kernel.wasm/more"] {
        let error = opened.file(&missing.parse().unwrap()).unwrap_err();
        assert_eq!(error.kind(), "missing_file", "{missing}: {error:?}");
    }
    let error = opened.file(&"a".parse().unwrap()).unwrap_err();
    assert_eq!(error.kind(), "not_a_regular_file");
}

#[test]
fn unsafe_names_are_refused_hidden_ones_too() {
    for name in [
        ".hidden",
        "con.wasm",
        "a b",
        "trailing.",
        "\u{e9}.wasm",
        "nul",
        "NUL.txt",
        "com1.x",
        #[cfg(unix)]
        "a\\b",
        #[cfg(unix)]
        "C:",
        #[cfg(unix)]
        "a:stream",
        #[cfg(unix)]
        "a\nb",
    ] {
        let folder = pack();
        fs::write(folder.path().join("a").join(name), "").unwrap();
        let error = refusal(&folder);
        assert_eq!(error.kind(), "unsafe_path", "{name}: {error:?}");
        assert_eq!(error.blame(), Blame::Pack);
    }
    let folder = pack();
    fs::create_dir(folder.path().join(".git")).unwrap();
    assert_eq!(refusal(&folder).kind(), "unsafe_path");
}

/// As far as the file system keeps them apart.
#[test]
fn names_that_differ_in_case_alone_are_refused() {
    for (name, kind) in [
        ("a/KERNEL.wasm", "path_collision"),
        ("A", "path_collision"),
        ("KERNELS.json", "reserved_path"),
        ("Kernels.json.sig", "reserved_path"),
    ] {
        let folder = pack();
        let path = folder.path().join(name);
        if path.exists() {
            eprintln!("not tested: the file system ignores case");
            return;
        }
        fs::write(path, "").unwrap();
        assert_eq!(refusal(&folder).kind(), kind, "{name}");
    }
}

#[test]
fn too_many_files_stop_the_walk() {
    let folder = pack();
    let mut limits = PackLimits::default();
    limits.max_files = 5;
    for index in 0..100 {
        fs::write(folder.path().join(format!("f{index}")), "").unwrap();
    }
    assert_eq!(refusal_with(&folder, limits).kind(), "too_many_files");
}

#[test]
fn folders_nested_too_deeply_stop_the_walk() {
    let folder = pack();
    let deep = folder.path().join("d/".repeat(MAX_FOLDER_DEPTH + 1));
    fs::create_dir_all(&deep).unwrap();
    assert_eq!(refusal(&folder).kind(), "too_deep");
    fs::remove_dir(&deep).unwrap();
    assert!(PackDir::open(folder.path()).unwrap().read().is_ok());
}

#[test]
fn sizes_are_bounded_before_anything_is_read() {
    let folder = pack();
    let sparse = File::create(folder.path().join("sparse.wasm")).unwrap();
    sparse.set_len(1 << 40).unwrap();
    assert_eq!(refusal(&folder).kind(), "file_too_large");

    let folder = pack();
    let manifest = File::create(folder.path().join(MANIFEST_FILE)).unwrap();
    manifest.set_len(1 << 40).unwrap();
    assert_eq!(refusal(&folder).kind(), "file_too_large");

    let folder = pack();
    let mut limits = PackLimits::default();
    limits.max_total_bytes = 5;
    fs::write(folder.path().join("b"), [0; 3]).unwrap();
    assert_eq!(refusal_with(&folder, limits).kind(), "pack_too_large");
}

#[test]
fn a_file_that_grows_while_it_is_read_is_seen() {
    let folder = pack();
    let path = folder.path().join("a/kernel.wasm");
    let place = Place("a/kernel.wasm".to_owned());
    for claimed in [0, 2, 4] {
        let file = File::open(&path).unwrap();
        let error = read_bounded(file, claimed, 10, &place).unwrap_err();
        assert_eq!(error.kind(), "file_changed", "{claimed}");
    }
}

/// What is read is one state of the file or an error, and never more than the limit.
#[test]
fn a_file_that_is_appended_to_while_it_is_read_is_read_within_the_limit() {
    use std::io::Write;

    const LIMIT: usize = 1 << 20;
    let folder = pack();
    let path: PackPath = "a/kernel.wasm".parse().unwrap();
    let place = folder.path().join(path.as_str());
    let mut file = File::options().append(true).open(place).unwrap();
    let mut limits = PackLimits::default();
    limits.max_file_bytes = LIMIT;
    let mut ends = BTreeMap::new();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for _ in 0..LIMIT / 32 {
                file.write_all(&[7; 64]).unwrap();
            }
        });
        let opened = PackDir::open_with(folder.path(), limits).unwrap();
        while !ends.contains_key("file_too_large") {
            match opened.file(&path) {
                Ok(bytes) => assert!(bytes.len() <= LIMIT),
                Err(error) => *ends.entry(error.kind()).or_insert(0) += 1,
            }
        }
    });
    let expected = ["file_changed", "file_too_large"];
    assert!(ends.keys().all(|kind| expected.contains(kind)), "{ends:?}");
}

#[cfg(unix)]
mod links_and_special_files {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    use std::process::Command;

    use super::*;

    #[test]
    fn a_link_to_a_file_is_refused() {
        let folder = pack();
        symlink("kernel.wasm", folder.path().join("a/link.wasm")).unwrap();
        let error = refusal(&folder);
        assert_eq!(
            error.to_string(),
            "the pack holds a symbolic link: `a/link.wasm`"
        );
        let opened = PackDir::open(folder.path()).unwrap();
        let error = opened.file(&"a/link.wasm".parse().unwrap()).unwrap_err();
        assert_eq!(error.kind(), "symlink");
    }

    #[test]
    fn a_link_to_a_folder_is_refused_at_any_step() {
        let folder = pack();
        symlink("a", folder.path().join("b")).unwrap();
        assert_eq!(refusal(&folder).kind(), "symlink");
        let opened = PackDir::open(folder.path()).unwrap();
        let error = opened.file(&"b/kernel.wasm".parse().unwrap()).unwrap_err();
        assert_eq!(error.kind(), "symlink");
    }

    #[test]
    fn a_manifest_or_signature_that_is_a_link_is_refused() {
        let folder = pack();
        symlink("a/kernel.wasm", folder.path().join(SIGNATURE_FILE)).unwrap();
        assert_eq!(refusal(&folder).kind(), "symlink");
        fs::remove_file(folder.path().join(MANIFEST_FILE)).unwrap();
        symlink("a/kernel.wasm", folder.path().join(MANIFEST_FILE)).unwrap();
        assert_eq!(refusal(&folder).kind(), "symlink");
    }

    #[test]
    fn the_path_to_the_pack_may_lead_through_links() {
        let folder = pack();
        let elsewhere = tempfile::tempdir().unwrap();
        symlink(folder.path(), elsewhere.path().join("pack")).unwrap();
        let opened = PackDir::open(elsewhere.path().join("pack")).unwrap();
        assert!(opened.read().is_ok());
    }

    #[test]
    fn pipes_and_sockets_are_refused_without_waiting() {
        let folder = pack();
        let pipe = folder.path().join("pipe");
        assert!(
            Command::new("mkfifo")
                .arg(&pipe)
                .status()
                .unwrap()
                .success()
        );
        assert_eq!(refusal(&folder).kind(), "not_a_regular_file");
        fs::remove_file(pipe).unwrap();
        let _socket = UnixListener::bind(folder.path().join("socket")).unwrap();
        assert_eq!(refusal(&folder).kind(), "not_a_regular_file");
    }

    /// Devices that every system has; to make one takes a right that tests do not have.
    #[test]
    fn a_device_is_refused_without_opening_it() {
        let Ok(Opened::Folder(devices)) = Folder::open_path(Path::new("/dev")) else {
            panic!("a folder")
        };
        let Ok(Opened::Folder(portable)) = portable::Folder::open_path(Path::new("/dev")) else {
            panic!("a folder")
        };
        for name in ["null", "zero", "tty"] {
            let name = OsStr::new(name);
            assert!(matches!(devices.open(name), Err(OpenError::Special)));
            assert!(matches!(portable.open(name), Err(OpenError::Special)));
        }
    }

    #[test]
    fn a_name_that_is_not_text_is_refused() {
        let folder = pack();
        fs::write(folder.path().join(OsStr::from_bytes(b"\xff.wasm")), "").unwrap();
        assert_eq!(refusal(&folder).kind(), "unsafe_path");
    }

    /// The folder that was opened stays the one that is read, whatever its path becomes.
    #[test]
    fn a_pack_whose_path_is_swapped_is_read_to_the_end() {
        let folder = pack();
        let path = folder.path().join("pack");
        fs::create_dir(&path).unwrap();
        fs::write(path.join(MANIFEST_FILE), "first").unwrap();
        let opened = PackDir::open(&path).unwrap();
        fs::rename(&path, folder.path().join("moved")).unwrap();
        fs::create_dir(&path).unwrap();
        fs::write(path.join(MANIFEST_FILE), "second").unwrap();
        assert_eq!(opened.manifest().unwrap(), b"first");
    }

    #[test]
    fn the_portable_reader_refuses_the_same() {
        let folder = pack();
        symlink("a", folder.path().join("link")).unwrap();
        let _socket = UnixListener::bind(folder.path().join("socket")).unwrap();
        let Ok(Opened::Folder(portable)) = portable::Folder::open_path(folder.path()) else {
            panic!("a folder")
        };
        assert_eq!(portable.names(2).unwrap().len(), 2);
        let open = |name: &str| portable.open(OsStr::new(name));
        assert!(matches!(open("link"), Err(OpenError::Symlink)));
        assert!(matches!(open("socket"), Err(OpenError::Special)));
        assert!(matches!(open("nothing"), Err(OpenError::Io(_))));
        assert!(matches!(open("a"), Ok(Opened::Folder(_))));
        assert!(matches!(
            open(MANIFEST_FILE),
            Ok(Opened::File { len: 2, .. })
        ));
        let at = |name: &str| portable::Folder::open_path(&folder.path().join(name));
        assert!(matches!(at(MANIFEST_FILE), Ok(Opened::File { len: 2, .. })));
        assert!(matches!(at("link"), Ok(Opened::Folder(_))), "the user's");
        assert!(matches!(at("socket"), Err(OpenError::Special)));
    }
}
