//! What is no pack at all: too large, too many, or under paths that collide.

use std::collections::BTreeMap;

use kpack_schema::PackPath;
use kpack_verify::{PackBytes, PackBytesError, PackLimits, PackParts};

use crate::support::path;

fn files(names: &[&str]) -> BTreeMap<PackPath, Vec<u8>> {
    names.iter().map(|name| (path(name), vec![0; 10])).collect()
}

fn kind(parts: PackParts, limits: &PackLimits) -> &'static str {
    PackBytes::with_limits(parts, limits).map_or_else(|error| error.kind(), |_| "ok")
}

#[test]
fn the_default_limits_are_the_documented_ones() {
    let limits = PackLimits::default();
    assert_eq!(
        (limits.max_manifest_bytes, limits.max_signature_bytes),
        (1_048_576, 65_536)
    );
    assert_eq!(
        (limits.max_file_bytes, limits.max_total_bytes),
        (67_108_864, 268_435_456)
    );
    assert_eq!(limits.max_files, 4_096);
}

#[test]
fn each_limit_is_inclusive() {
    let default = PackLimits::default();
    let manifest = |len| PackParts {
        manifest: vec![b' '; len],
        ..PackParts::default()
    };
    let signature = |len| PackParts {
        signature: Some(vec![b' '; len]),
        ..PackParts::default()
    };
    assert_eq!(kind(manifest(1 << 20), &default), "ok");
    assert_eq!(kind(manifest((1 << 20) + 1), &default), "file_too_large");
    assert_eq!(kind(signature(64 << 10), &default), "ok");
    assert_eq!(kind(signature((64 << 10) + 1), &default), "file_too_large");

    let mut limits = PackLimits::default();
    limits.max_file_bytes = 10;
    limits.max_total_bytes = 20;
    limits.max_files = 2;
    let pack = |names: &[&str]| PackParts {
        files: files(names),
        ..PackParts::default()
    };
    assert_eq!(kind(pack(&["a", "b"]), &limits), "ok");
    assert_eq!(kind(pack(&["a", "b", "c"]), &limits), "too_many_files");
    limits.max_files = 3;
    assert_eq!(kind(pack(&["a", "b", "c"]), &limits), "pack_too_large");
    limits.max_file_bytes = 9;
    assert_eq!(kind(pack(&["a"]), &limits), "file_too_large");
}

#[test]
fn paths_that_some_file_system_cannot_keep_apart() {
    let cases: [(&[&str], &str); 9] = [
        (&["a.wasm", "b.wasm", "c/a.wasm"], "ok"),
        (&["A.wasm", "a.wasm"], "path_collision"),
        (&["rope/X", "ROPE/x"], "path_collision"),
        (&["rope", "rope/x"], "path_collision"),
        (&["ROPE", "rope/x/y"], "path_collision"),
        (&["kernels.json"], "reserved_path"),
        (&["Kernels.JSON.sig"], "reserved_path"),
        (&["kernels.json/x"], "reserved_path"),
        (&["sub/kernels.json"], "ok"),
    ];
    for (names, expected) in cases {
        let parts = PackParts {
            files: files(names),
            ..PackParts::default()
        };
        assert_eq!(kind(parts, &PackLimits::default()), expected, "{names:?}");
    }
}

#[test]
fn the_error_names_the_file_and_the_limit() {
    let mut limits = PackLimits::default();
    limits.max_file_bytes = 9;
    let parts = PackParts {
        files: files(&["rope/a.wasm"]),
        ..PackParts::default()
    };
    let error = PackBytes::with_limits(parts, &limits).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a file of the pack has 10 bytes, more than 9: `rope/a.wasm`"
    );
    let expected = PackBytesError::FileTooLarge {
        file: "rope/a.wasm".to_owned(),
        found: 10,
        limit: 9,
    };
    assert_eq!(error, expected);
}
