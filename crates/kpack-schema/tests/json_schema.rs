//! The committed JSON Schema is the one that the wire types give.
//!
//! `KPACK_UPDATE=1 cargo test -p kpack-schema --features json-schema` writes it anew.
#![cfg(feature = "json-schema")]
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use std::path::Path;

use kpack_schema::KernelManifest;

#[test]
fn the_committed_schema_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("kernels.schema.json");
    let schema = schemars::schema_for!(KernelManifest);
    let current = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
    if std::env::var_os("KPACK_UPDATE").is_some() {
        std::fs::write(&path, &current).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        committed, current,
        "the schema is out of date; see this test's first lines"
    );
}
