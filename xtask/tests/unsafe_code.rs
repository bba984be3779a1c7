//! ARCHITECTURE.md lists all unsafe code of the host, file by file, with its count.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};

/// Where Rust of this repository stands. What runs inside the sandbox is listed as a whole.
const FOLDERS: [&str; 4] = ["crates", "benches", "fuzz", "xtask"];
const INSIDE_THE_SANDBOX: [&str; 2] = ["crates/kpack-guest/", "kernels-src/"];

#[test]
fn the_table_of_unsafe_code_is_what_stands_in_the_tree() {
    let mut found = BTreeMap::new();
    for folder in FOLDERS {
        count(&root().join(folder), &mut found);
    }
    let mut listed = listed();
    for folder in INSIDE_THE_SANDBOX {
        assert!(listed.remove(folder).is_some(), "not listed: {folder}");
        found.retain(|file, _| !file.starts_with(folder));
    }
    let listed: BTreeMap<String, usize> = listed
        .into_iter()
        .map(|(file, count)| (file, count.parse().unwrap()))
        .collect();
    assert_eq!(
        found, listed,
        "found in the tree, and listed in ARCHITECTURE.md"
    );
}

/// The rows of the table: file and count, as they stand there.
fn listed() -> BTreeMap<String, String> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let section = text.split("\n## Unsafe code\n").nth(1).unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        assert!(cells[3].len() > 3, "no reason: {row}");
        (cells[1].trim_matches('`').to_owned(), cells[2].to_owned())
    })
    .collect()
}

fn count(folder: &Path, found: &mut BTreeMap<String, usize>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().unwrap() != "target" {
            count(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let file = syn::parse_file(&fs::read_to_string(&path).unwrap()).unwrap();
            let mut unsafe_code = UnsafeCode::default();
            unsafe_code.visit_file(&file);
            if unsafe_code.count > 0 {
                let path = path.strip_prefix(root()).unwrap();
                found.insert(path.to_str().unwrap().replace('\\', "/"), unsafe_code.count);
            }
        }
    }
}

fn root() -> PathBuf {
    fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).unwrap()
}

#[derive(Default)]
struct UnsafeCode {
    count: usize,
}

impl<'ast> Visit<'ast> for UnsafeCode {
    fn visit_expr_unsafe(&mut self, block: &'ast syn::ExprUnsafe) {
        self.count += 1;
        visit::visit_expr_unsafe(self, block);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        self.count += usize::from(item.unsafety.is_some());
        visit::visit_item_impl(self, item);
    }

    fn visit_item_foreign_mod(&mut self, item: &'ast syn::ItemForeignMod) {
        self.count += 1;
        visit::visit_item_foreign_mod(self, item);
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        self.count += usize::from(matches!(signature.safety, syn::Safety::Unsafe(_)));
        visit::visit_signature(self, signature);
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        self.count += usize::from(attribute.path().is_ident("unsafe"));
        visit::visit_attribute(self, attribute);
    }

    /// What a macro is given is not parsed; what it has of unsafe code is counted by its words.
    fn visit_macro(&mut self, of: &'ast syn::Macro) {
        let tokens = of.tokens.to_string();
        let starts = ["unsafe {", "unsafe impl", "unsafe fn", "unsafe extern"];
        let counts = starts.map(|start| tokens.matches(start).count());
        self.count += counts.iter().sum::<usize>();
        visit::visit_macro(self, of);
    }
}
