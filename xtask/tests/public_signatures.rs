//! No engine's and no cryptographic library's type shows in a public signature.
//!
//! The scan reads the source with `syn`: every item that says `pub` without restriction counts as
//! public, wherever it stands, and so does every trait implementation.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::Visit;
use syn::{Item, UseTree, Visibility};

const FOREIGN: &[&str] = &[
    "wasmtime",
    "wasmer",
    "wasmer_types",
    "wasmparser",
    "ring",
    "curve25519_dalek",
    "pem_rfc7468",
];

const CRATES: &[&str] = &[
    "kpack-abi",
    "kpack-schema",
    "kpack-verify",
    "kpack-exec",
    "kpack",
    "kpack-reference",
];

#[test]
fn no_foreign_type_is_public() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
    let mut seen = 0;
    let mut leaks = Vec::new();
    for name in CRATES {
        for file in rust_files(&crates.join(name).join("src")) {
            seen += 1;
            let source = fs::read_to_string(&file).unwrap();
            let found = leaks_of(&source);
            leaks.extend(
                found
                    .into_iter()
                    .map(|leak| format!("{}: {leak}", file.display())),
            );
        }
    }
    assert!(seen > 20, "only {seen} files were read");
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
}

#[test]
fn the_scan_sees_each_way_to_leak() {
    let leaking = [
        "pub fn engine() -> wasmtime::Engine { todo() }",
        "use wasmtime::Engine; pub struct A { pub engine: Engine }",
        "use wasmtime::Engine as E; pub struct A; impl A { pub fn engine(&self) -> &E { todo() } }",
        "use ring::error::Unspecified; pub enum Error { A(Unspecified) }",
        "use ring::{digest::{self, Digest}}; pub type D = Digest;",
        "use ring::signature; pub fn key() -> signature::Ed25519KeyPair { todo() }",
        "pub trait T { fn memory(&self) -> wasmer::Memory; }",
        "pub use wasmtime::Engine;",
        "use wasmtime::*; pub struct A;",
        "pub struct A; impl From<wasmtime::Error> for A { fn from(e: wasmtime::Error) -> A { A } }",
        "pub mod inner { pub fn f(x: ::ring::rand::SystemRandom) {} }",
    ];
    for source in leaking {
        assert!(!leaks_of(source).is_empty(), "{source}");
    }
    let sound = [
        "use wasmtime::Engine; pub struct A { engine: Engine }",
        "use wasmtime::Engine; pub(crate) fn f() -> Engine { todo() }",
        "use wasmtime::Engine; struct A; impl A { fn f(&self) -> Engine { todo() } }",
        "pub struct A; impl A { pub fn f(&self) { let e: wasmtime::Engine = todo(); } }",
        "use wasmtime::Engine; impl Trait for Private { fn f(&self) -> u32 { 0 } }",
    ];
    for source in sound {
        assert_eq!(leaks_of(source), Vec::<String>::new(), "{source}");
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
    files.sort();
    files
}

fn leaks_of(source: &str) -> Vec<String> {
    let file = syn::parse_file(source).unwrap();
    let mut scan = Scan {
        foreign: FOREIGN.iter().map(ToString::to_string).collect(),
        leaks: Vec::new(),
    };
    scan.learn_imports(&file.items);
    scan.items(&file.items);
    scan.leaks
}

struct Scan {
    /// Names that stand for something foreign in this file.
    foreign: BTreeSet<String>,
    leaks: Vec<String>,
}

impl Scan {
    fn learn_imports(&mut self, items: &[Item]) {
        for item in items {
            match item {
                Item::Use(import) => self.learn_tree(&import.tree, Origin::Root),
                Item::Mod(module) if !is_test(&module.attrs) => {
                    if let Some((_, items)) = &module.content {
                        self.learn_imports(items);
                    }
                }
                _ => {}
            }
        }
    }

    fn learn_tree(&mut self, tree: &UseTree, origin: Origin) {
        match tree {
            UseTree::Path(path) => {
                let origin = origin.step(&path.ident.to_string());
                self.learn_tree(&path.tree, origin);
            }
            UseTree::Group(group) => {
                group
                    .items
                    .iter()
                    .for_each(|tree| self.learn_tree(tree, origin));
            }
            UseTree::Name(name) if origin == Origin::Foreign && name.ident != "self" => {
                self.foreign.insert(name.ident.to_string());
            }
            UseTree::Rename(rename) => {
                let foreign = FOREIGN.contains(&rename.ident.to_string().as_str());
                if origin == Origin::Foreign || (origin == Origin::Root && foreign) {
                    self.foreign.insert(rename.rename.to_string());
                }
            }
            UseTree::Glob(_) if origin == Origin::Foreign => {
                self.leaks
                    .push("a glob import hides what is foreign".to_owned());
            }
            _ => {}
        }
        if let (UseTree::Path(path), Origin::Foreign) = (tree, origin) {
            self.learn_self(path);
        }
    }

    /// `use ring::{digest::{self}}` and `use ring::digest` make `digest` foreign.
    fn learn_self(&mut self, path: &syn::UsePath) {
        let UseTree::Group(group) = &*path.tree else {
            return;
        };
        let names_itself =
            |tree: &UseTree| matches!(tree, UseTree::Name(name) if name.ident == "self");
        if group.items.iter().any(names_itself) {
            self.foreign.insert(path.ident.to_string());
        }
    }

    fn items(&mut self, items: &[Item]) {
        for item in items {
            self.item(item);
        }
    }

    fn item(&mut self, item: &Item) {
        match item {
            Item::Fn(function) if is_public(&function.vis) => self.signature(&function.sig),
            Item::Struct(item) if is_public(&item.vis) => {
                self.generics(&item.generics);
                for field in item.fields.iter().filter(|field| is_public(&field.vis)) {
                    self.look_at(|v| v.visit_type(&field.ty));
                }
            }
            Item::Enum(item) if is_public(&item.vis) => {
                self.generics(&item.generics);
                for field in item.variants.iter().flat_map(|variant| &variant.fields) {
                    self.look_at(|v| v.visit_type(&field.ty));
                }
            }
            Item::Type(item) if is_public(&item.vis) => self.look_at(|v| v.visit_type(&item.ty)),
            Item::Const(item) if is_public(&item.vis) => self.look_at(|v| v.visit_type(&item.ty)),
            Item::Static(item) if is_public(&item.vis) => self.look_at(|v| v.visit_type(&item.ty)),
            Item::Trait(item) if is_public(&item.vis) => self.trait_item(item),
            Item::Use(import) if is_public(&import.vis) => self.re_export(&import.tree),
            Item::Impl(item) => self.implementation(item),
            Item::Mod(module) if !is_test(&module.attrs) => {
                if let Some((_, items)) = &module.content {
                    self.items(items);
                }
            }
            _ => {}
        }
    }

    fn trait_item(&mut self, item: &syn::ItemTrait) {
        self.generics(&item.generics);
        for bound in &item.supertraits {
            self.look_at(|v| v.visit_type_param_bound(bound));
        }
        for member in &item.items {
            match member {
                syn::TraitItem::Fn(function) => self.signature(&function.sig),
                syn::TraitItem::Type(associated) => {
                    for bound in &associated.bounds {
                        self.look_at(|v| v.visit_type_param_bound(bound));
                    }
                }
                syn::TraitItem::Const(constant) => self.look_at(|v| v.visit_type(&constant.ty)),
                _ => {}
            }
        }
    }

    /// A trait implementation is as public as its type: with a foreign type among the trait's
    /// arguments it is a leak wherever it stands. A foreign trait on a type of ours is one only if
    /// the type is public, which the scan does not know, so it looks at the arguments alone.
    fn implementation(&mut self, item: &syn::ItemImpl) {
        match &item.trait_ {
            Some((path, _)) => {
                for segment in &path.segments {
                    self.look_at(|v| v.visit_path_arguments(&segment.arguments));
                }
            }
            None => {
                for member in &item.items {
                    match member {
                        syn::ImplItem::Fn(function) if is_public(&function.vis) => {
                            self.signature(&function.sig);
                        }
                        syn::ImplItem::Const(constant) if is_public(&constant.vis) => {
                            self.look_at(|v| v.visit_type(&constant.ty));
                        }
                        _ => {}
                    }
                }
            }
        }
    }

    fn re_export(&mut self, tree: &UseTree) {
        let mut names = BTreeSet::new();
        first_segments(tree, &mut names);
        let foreign: Vec<&String> = names
            .iter()
            .filter(|name| self.foreign.contains(*name))
            .collect();
        self.leaks
            .extend(foreign.iter().map(|name| format!("re-export from {name}")));
    }

    fn signature(&mut self, signature: &syn::Signature) {
        self.generics(&signature.generics);
        for input in &signature.inputs {
            if let syn::FnArg::Typed(argument) = input {
                self.look_at(|v| v.visit_type(&argument.ty));
            }
        }
        self.look_at(|v| v.visit_return_type(&signature.output));
    }

    fn generics(&mut self, generics: &syn::Generics) {
        self.look_at(|v| v.visit_generics(generics));
    }

    fn look_at(&mut self, look: impl FnOnce(&mut Paths)) {
        let mut paths = Paths::default();
        look(&mut paths);
        let foreign = paths
            .found
            .into_iter()
            .filter(|path| self.foreign.contains(&path[0]));
        self.leaks.extend(foreign.map(|path| path.join("::")));
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Root,
    Foreign,
    Own,
}

impl Origin {
    fn step(self, segment: &str) -> Self {
        match self {
            Self::Root if FOREIGN.contains(&segment) => Self::Foreign,
            Self::Root => Self::Own,
            other => other,
        }
    }
}

/// Every path in a piece of syntax, as its segments.
#[derive(Default)]
struct Paths {
    found: Vec<Vec<String>>,
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.found.push(
            path.segments
                .iter()
                .map(|segment| segment.ident.to_string())
                .collect(),
        );
        syn::visit::visit_path(self, path);
    }
}

fn first_segments(tree: &UseTree, names: &mut BTreeSet<String>) {
    match tree {
        UseTree::Path(path) => {
            names.insert(path.ident.to_string());
        }
        UseTree::Name(name) => {
            names.insert(name.ident.to_string());
        }
        UseTree::Rename(rename) => {
            names.insert(rename.ident.to_string());
        }
        UseTree::Group(group) => group
            .items
            .iter()
            .for_each(|tree| first_segments(tree, names)),
        UseTree::Glob(_) => {}
    }
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && matches!(&attribute.meta, syn::Meta::List(list) if list.tokens.to_string() == "test")
    })
}
