//! Packs in one file, from disk to results.
#![cfg(feature = "wasmtime")]
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod support;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use kpack::{
    Blame, LoadError, PackDir, PackLimits, PackSource, ReadPackError, Runtime, Tensor, Verifier,
    Wasmtime, reference_pack,
};
use serde_json::json;
use support::{Made, SCALE, pack, scale};
use tempfile::TempDir;

/// The archive of a pack, in a folder of its own.
fn archived(made: &Made) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("test.kpack");
    let bytes = PackDir::open(made.path()).unwrap().read().unwrap();
    fs::write(&file, bytes.to_archive().unwrap()).unwrap();
    (folder, file)
}

fn refusal(path: &Path) -> ReadPackError {
    PackSource::open(path).unwrap_err()
}

#[test]
fn a_runtime_loads_the_folder_and_the_archive_alike() {
    let made = pack(&[("scale.wasm", SCALE)], json!([scale()]));
    let (_folder, file) = archived(&made);
    let runtime = Runtime::new(Wasmtime::new().unwrap());
    let digests = [made.path(), &file].map(|path| {
        let pack = runtime.load(path, &made.trust()).unwrap();
        let x = Tensor::new(&[1, 2], vec![1.0_f32, 2.0]).unwrap();
        let w = Tensor::new(&[2], vec![10.0_f32, 100.0]).unwrap();
        let kernel = pack.kernel("rmsnorm_f32").unwrap();
        let call = kernel
            .call()
            .input("x", &x)
            .unwrap()
            .input("weight", &w)
            .unwrap();
        let outputs = call.run().unwrap();
        let y = outputs.get("y").unwrap();
        assert_eq!(y.as_slice::<f32>().unwrap(), [10.0, 200.0]);
        pack.manifest_digest()
    });
    assert_eq!(digests[0], digests[1]);
}

#[test]
fn the_reference_pack_has_an_archive_that_is_verified() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("llama-core.kpack");
    fs::write(&file, reference_pack::bytes().to_archive().unwrap()).unwrap();
    let verifier = Verifier::new(reference_pack::host_policy());
    let now = "2030-01-01T00:00:00Z".parse().unwrap();
    let pack = verifier.verify_at(&file, &reference_pack::trust(), now);
    assert_eq!(pack.unwrap().name().as_str(), "llama-core");
}

/// Whatever the archive's name: what stands at the path decides.
#[test]
fn an_archive_is_known_by_its_content() {
    let made = pack(&[("scale.wasm", SCALE)], json!([scale()]));
    let (folder, file) = archived(&made);
    let renamed = folder.path().join("no-ending");
    fs::rename(file, &renamed).unwrap();
    Verifier::default().verify(&renamed, &made.trust()).unwrap();
    let named = folder.path().join("folder.kpack");
    fs::rename(made.path(), &named).unwrap();
    Verifier::default().verify(&named, &made.trust()).unwrap();
    fs::rename(named, made.path()).unwrap();
}

#[test]
fn an_archive_is_read_into_memory_and_not_unpacked() {
    let made = pack(&[("scale.wasm", SCALE)], json!([scale()]));
    let (folder, file) = archived(&made);
    let source = PackSource::open(&file).unwrap();
    fs::write(&file, "another content").unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let manifest = fs::read(made.path().join("kernels.json")).unwrap();
    assert_eq!(source.manifest().unwrap(), manifest);
    assert!(source.signature().unwrap().is_some());
    let whole = source.read().unwrap();
    Verifier::default()
        .verify_bytes(
            whole,
            &made.trust(),
            "2026-06-01T00:00:00Z".parse().unwrap(),
        )
        .unwrap();
}

#[test]
fn a_changed_archive_is_refused_and_the_error_says_where() {
    let made = pack(&[("scale.wasm", SCALE)], json!([scale()]));
    let (_folder, file) = archived(&made);
    let whole = fs::read(&file).unwrap();
    fs::write(&file, [&whole[..], b"x"].concat()).unwrap();
    let error = Verifier::default()
        .verify(&file, &made.trust())
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.blame()),
        ("archive_trailing_data", Blame::Pack)
    );
    let LoadError::Read { source, .. } = error else {
        panic!("{error:?}")
    };
    assert_eq!(
        source.to_string(),
        format!(
            "the archive goes on behind its end, at byte: `{}`",
            whole.len()
        )
    );

    let mut swapped = whole;
    let at = swapped.len() - 2 * 512 - 512;
    swapped[at] ^= 1;
    fs::write(&file, swapped).unwrap();
    let error = Verifier::default()
        .verify(&file, &made.trust())
        .unwrap_err();
    assert_eq!(error.kind(), "digest_mismatch");
}

#[test]
fn a_sparse_archive_of_a_terabyte_is_refused_by_its_size() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sparse.kpack");
    File::create(&path).unwrap().set_len(1 << 40).unwrap();
    let error = refusal(&path);
    assert_eq!(
        (error.kind(), error.blame()),
        ("pack_too_large", Blame::Pack)
    );
    let limit = PackLimits::default().max_archive_bytes();
    File::create(&path).unwrap().set_len(limit + 1).unwrap();
    assert_eq!(refusal(&path).kind(), "pack_too_large");
}

#[test]
fn nothing_and_what_is_no_archive_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.kpack");
    let error = refusal(&path);
    assert_eq!((error.kind(), error.blame()), ("not_found", Blame::Host));
    fs::write(&path, "").unwrap();
    let error = refusal(&path);
    assert_eq!(
        (error.kind(), error.blame()),
        ("archive_truncated", Blame::Pack)
    );
    fs::write(&path, [0; 1024]).unwrap();
    let error = refusal(&path);
    assert_eq!((error.kind(), error.blame()), ("missing_file", Blame::Host));
}

#[cfg(unix)]
#[test]
fn a_link_to_an_archive_is_the_users_word() {
    let made = pack(&[("scale.wasm", SCALE)], json!([scale()]));
    let (folder, file) = archived(&made);
    let link = folder.path().join("link.kpack");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    Verifier::default().verify(&link, &made.trust()).unwrap();
    fs::remove_file(file).unwrap();
    assert_eq!(refusal(&link).kind(), "not_found");
}

#[cfg(unix)]
#[test]
fn pipes_sockets_and_devices_are_no_packs_and_nobody_waits_for_them() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    let mut mkfifo = std::process::Command::new("mkfifo");
    assert!(mkfifo.arg(&pipe).status().unwrap().success());
    let socket = folder.path().join("socket");
    let _socket = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    for path in [
        &pipe,
        &socket,
        Path::new("/dev/zero"),
        Path::new("/dev/tty"),
    ] {
        let error = refusal(path);
        assert_eq!(error.kind(), "not_a_pack", "{}", path.display());
        assert_eq!(error.blame(), Blame::Host);
        let error = PackDir::open(path).unwrap_err();
        assert_eq!(error.kind(), "not_a_folder", "{}", path.display());
    }
}
