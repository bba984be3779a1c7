use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use kpack::FaultKind;

use crate::support::documented_kinds;

/// Every kind that some crate gives an error is in the table that the documentation promises, and the
/// other way round.
#[test]
fn the_documentation_lists_every_kind() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = BTreeSet::new();
    for name in [
        "kpack-build",
        "kpack-schema",
        "kpack-verify",
        "kpack-exec",
        "kpack",
    ] {
        read_below(&crates.join(name).join("src"), &mut |source| {
            found.extend(kinds_of_library(source));
        });
    }
    found.extend(FaultKind::ALL.iter().map(|kind| kind.name().to_owned()));
    for file in [
        "failure.rs",
        "failure/libraries.rs",
        "failure/trust.rs",
        "verbs/bench/sizes.rs",
        "param.rs",
    ] {
        let source = fs::read_to_string(crates.join("kpack-cli/src").join(file)).unwrap();
        found.extend(kinds_of_failures(&source));
    }
    assert!(found.len() > 80, "only {} kinds were found", found.len());
    let documented: BTreeSet<String> = documented_kinds()
        .into_iter()
        .map(|(kind, _)| kind)
        .collect();
    let missing: Vec<&String> = found.difference(&documented).collect();
    assert!(
        missing.is_empty(),
        "not in docs/command-line.md: {missing:?}"
    );
    let stale: Vec<&String> = documented.difference(&found).collect();
    assert!(stale.is_empty(), "only in docs/command-line.md: {stale:?}");
}

fn read_below(folder: &Path, read: &mut impl FnMut(&str)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_below(&path, read);
        } else {
            read(&fs::read_to_string(path).unwrap());
        }
    }
}

/// The names in the bodies of every `fn kind(..) -> &'static str`.
fn kinds_of_library(source: &str) -> Vec<String> {
    let functions = source.split("fn kind(").skip(1);
    functions
        .filter(|function| {
            let line = function.lines().next().unwrap_or_default();
            line.contains("&'static str")
        })
        .flat_map(|function| names_in(function.split("\n    }\n").next().unwrap_or_default()))
        .collect()
}

/// The names that the command line's own failures are made with.
fn kinds_of_failures(source: &str) -> Vec<String> {
    let calls = [
        "::new(",
        "::of(",
        "unknown_name(",
        "file(action",
        "let kind =",
    ];
    let bodies = calls.iter().flat_map(|call| source.split(call).skip(1));
    bodies
        .flat_map(|body| {
            let end = if body.starts_with(" match") {
                "};"
            } else {
                ","
            };
            names_in(body.split(end).next().unwrap_or_default())
        })
        .collect()
}

/// The string literals that have the form of a kind.
fn names_in(source: &str) -> Vec<String> {
    let literals = source.split('"').skip(1).step_by(2);
    literals
        .filter(|name| {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'))
        })
        // The action that a kind is chosen by, and the name of the field itself.
        .filter(|name| !matches!(*name, "read" | "kind"))
        .map(str::to_owned)
        .collect()
}
