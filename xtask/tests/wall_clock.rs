//! The clock on the wall, which an operator or a network may set, decides what a host takes and nothing
//! else: only these files look at it. A deadline counted by it would end early or never.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};

/// The libraries and the command, with the files of each that name the system's time.
const CRATES: &[(&str, &[&str])] = &[
    ("kpack-abi", &[]),
    // Turns one into a `Timestamp`.
    ("kpack-schema", &["time.rs"]),
    ("kpack-verify", &[]),
    ("kpack-exec", &[]),
    // Asks for it, shows when a file was written and when a pack was swapped, and compares what a file
    // in a watched folder says of itself with what it said before.
    (
        "kpack",
        &[
            "clock.rs",
            "compile_cache.rs",
            "slot/history.rs",
            "slot/stage.rs",
            "watch/listing.rs",
        ],
    ),
    ("kpack-cli", &["host.rs", "verbs/cache.rs"]),
];

/// What the standard library and the crates at hand call it.
const NAMES: &[&str] = &["SystemTime", "UNIX_EPOCH", "Zoned", "clock_gettime"];

#[test]
fn only_these_files_look_at_the_clock_on_the_wall() {
    for (name, expected) in CRATES {
        let source = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../crates")
            .join(name)
            .join("src");
        let found: BTreeSet<String> = rust_files(&source)
            .into_iter()
            .filter(|path| looks(&fs::read_to_string(path).unwrap()))
            .map(|path| path.strip_prefix(&source).unwrap().display().to_string())
            .collect();
        let expected = expected.iter().map(|file| (*file).to_owned()).collect();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn a_look_is_seen_wherever_it_stands() {
    for source in [
        "use std::time::SystemTime;",
        "fn f() { let now = std::time::SystemTime::now(); }",
        "struct S { at: Vec<std::time::SystemTime> }",
        "fn f() { println!(\"{:?}\", SystemTime::now()); }",
    ] {
        assert!(looks(source), "{source}");
    }
    for source in [
        "use std::time::Instant;",
        "/// Not a `SystemTime`.\nfn f() { let now = Instant::now(); }",
        "#[cfg(test)] mod tests { use std::time::SystemTime; }",
    ] {
        assert!(!looks(source), "{source}");
    }
}

fn looks(source: &str) -> bool {
    let mut look = Look::default();
    look.visit_file(&syn::parse_file(source).unwrap());
    look.found
}

#[derive(Default)]
struct Look {
    found: bool,
}

impl<'ast> Visit<'ast> for Look {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if module.ident != "tests" {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_ident(&mut self, ident: &'ast syn::Ident) {
        self.found |= NAMES.iter().any(|name| ident == name);
    }

    /// What a macro is given is not parsed.
    fn visit_macro(&mut self, of: &'ast syn::Macro) {
        let tokens = of.tokens.to_string();
        self.found |= NAMES.iter().any(|name| tokens.contains(name));
    }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
