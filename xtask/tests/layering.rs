//! Dependencies point one way only.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use std::collections::BTreeMap;

use cargo_metadata::{DependencyKind, MetadataCommand, Package};

/// Each crate of the workspace with its layer: it may depend on lower layers only.
const LAYERS: &[(&str, u32)] = &[
    ("kpack-abi", 0),
    ("kpack-reference", 0),
    ("kpack-guest-macros", 1),
    ("kpack-schema", 1),
    ("kpack-guest", 2),
    ("kpack-verify", 2),
    ("kpack-build", 3),
    ("kpack-exec", 3),
    ("kpack", 4),
    ("kpack-conformance", 5),
    ("kpack-differential", 5),
    ("kpack-load", 5),
    ("kpack-fuzz", 6),
    ("kpack-cli", 6),
    ("kpack-benches", 6),
    ("xtask", 6),
];

/// External crates with the crates of the house that may use them.
const EXCLUSIVE: &[(&str, &[&str])] = &[
    ("ring", &["kpack-verify"]),
    ("curve25519-dalek", &["kpack-verify"]),
    // The benches set the engines up by themselves to show what kpack adds to their cost.
    ("wasmtime", &["kpack-exec", "kpack-benches"]),
    ("wasmer", &["kpack-exec", "kpack-benches"]),
    // The build looks into the modules that it has built.
    (
        "wasmparser",
        &["kpack-build", "kpack-differential", "kpack-exec"],
    ),
];

fn members() -> Vec<Package> {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let metadata = MetadataCommand::new()
        .manifest_path(manifest)
        .no_deps()
        .exec()
        .unwrap();
    metadata.packages
}

#[test]
fn every_crate_has_a_layer() {
    let layers: BTreeMap<&str, u32> = LAYERS.iter().copied().collect();
    for package in members() {
        assert!(
            layers.contains_key(package.name.as_str()),
            "{} has no layer",
            package.name
        );
    }
}

#[test]
fn no_arrow_points_up_or_sideways() {
    let layers: BTreeMap<&str, u32> = LAYERS.iter().copied().collect();
    for package in members() {
        let own = layers[package.name.as_str()];
        for dependency in &package.dependencies {
            if let Some(&other) = layers.get(dependency.name.as_str()) {
                assert!(
                    other < own,
                    "{} must not depend on {}",
                    package.name,
                    dependency.name
                );
            }
        }
    }
}

#[test]
fn what_goes_into_kernels_depends_on_nothing() {
    for package in members() {
        if package.name.as_str() == "kpack-abi" {
            let normal = package
                .dependencies
                .iter()
                .filter(|dep| dep.kind == DependencyKind::Normal);
            let names: Vec<&str> = normal.map(|dep| dep.name.as_str()).collect();
            assert!(names.is_empty(), "{} depends on {names:?}", package.name);
        }
    }
}

#[test]
fn cryptography_and_engines_have_one_home_each() {
    for package in members() {
        let normal = package
            .dependencies
            .iter()
            .filter(|dep| dep.kind == DependencyKind::Normal);
        for dependency in normal {
            for (exclusive, homes) in EXCLUSIVE {
                let fine = dependency.name != *exclusive || homes.contains(&package.name.as_str());
                assert!(
                    fine,
                    "{} uses {exclusive}, which belongs to {homes:?}",
                    package.name
                );
            }
        }
    }
}
