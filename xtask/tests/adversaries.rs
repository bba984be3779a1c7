//! `docs/adversaries.md` is true: each attack ends as it says in a test that exists, or has a reason
//! why there is none.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::Visit;
use syn::{Attribute, Expr, ItemFn, ItemMacro, ItemStruct, Lit, Meta};

/// The sections of the catalogue, each with how many attacks it has at the least.
const SECTIONS: &[(&str, usize)] = &[
    ("1 Manifest", 42),
    ("2 Signature and trust", 37),
    ("3 Pack folder and archive", 29),
    ("4 Modules", 49),
    ("5 Sizes and layout", 17),
    ("6 Operation", 26),
];

/// Files that hold nothing but attacks, so that each of their tests is on the page.
const ALL_OF: &[&str] = &[
    "kpack-exec/src/plan/extremes.rs",
    "kpack-schema/tests/hostile_manifests.rs",
    "kpack-schema/tests/sizes.rs",
    "kpack-verify/tests/suite/archive/hostile.rs",
    "kpack/tests/operation/cache.rs",
    "kpack/tests/operation/clock.rs",
    "kpack/tests/operation/panics.rs",
    "kpack/tests/operation/state.rs",
    "kpack/tests/swap_races.rs",
];

/// The folder of modules that are nothing but attacks, or show where one begins.
const HOSTILE: &str = "kpack-exec/tests/hostile";

/// Folders of which a test runs every file, with how their names end.
const FIXTURES: &[(&str, &str)] = &[("kpack-exec/tests/conformance", "toml"), (HOSTILE, "wat")];

/// What a line without a test begins with instead.
const REASONS: &[&str] = &["Not here: ", "Not yet: "];

#[test]
fn every_attack_has_a_test_that_exists_or_a_reason() {
    let mut sources = Sources::default();
    let mut wrong = Vec::new();
    for line in page().iter().flat_map(|section| &section.lines) {
        if let Err(mistake) = line.check(&mut sources) {
            wrong.push(format!("{}: {mistake}", line.attack));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_catalogue_is_whole() {
    let page = page();
    let titles: Vec<&str> = page.iter().map(|section| section.title.as_str()).collect();
    let expected: Vec<&str> = SECTIONS.iter().map(|(title, _)| *title).collect();
    assert_eq!(titles, expected);
    for (section, (title, least)) in page.iter().zip(SECTIONS) {
        let attacks: BTreeSet<&str> = section.lines.iter().map(|l| l.attack.as_str()).collect();
        assert_eq!(attacks.len(), section.lines.len(), "twice in {title}");
        assert!(attacks.len() >= *least, "{title} has lost lines");
    }
}

#[test]
fn every_kind_that_is_named_is_one() {
    let sources: Vec<String> = fs::read_dir(crates())
        .unwrap()
        .flat_map(|entry| rust_files(&entry.unwrap().path().join("src")))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let page = page();
    let lines = page.iter().flat_map(|section| &section.lines);
    for kind in lines.flat_map(|line| spans(&line.outcome)) {
        let literal = format!("\"{kind}\"");
        assert!(
            sources.iter().any(|source| source.contains(&literal)),
            "no error has the kind: `{kind}`"
        );
    }
}

#[test]
fn every_test_and_fixture_of_attacks_alone_is_on_the_page() {
    let mut sources = Sources::default();
    let page = page();
    let lines = page.iter().flat_map(|section| &section.lines);
    let named: BTreeSet<Reference> = lines.flat_map(|line| line.references().unwrap()).collect();
    let mut expected = Vec::new();
    for file in ALL_OF {
        let names = sources.tests_of(file).unwrap().keys().cloned();
        expected.extend(names.map(|name| Reference::Test {
            file: (*file).to_owned(),
            name,
        }));
    }
    for entry in fs::read_dir(crates().join(HOSTILE)).unwrap() {
        let fixture = Reference::Fixture {
            folder: HOSTILE.to_owned(),
            name: entry.unwrap().file_name().into_string().unwrap(),
        };
        // Those that end well show as often that a limit lets through what it should.
        if sources.kind_of(&fixture).unwrap().is_some() {
            expected.push(fixture);
        }
    }
    assert!(expected.len() > 150, "only {} were found", expected.len());
    expected.retain(|reference| !named.contains(reference));
    assert!(expected.is_empty(), "not on the page: {expected:#?}");
}

#[test]
fn the_check_sees_each_way_to_be_wrong() {
    let mut sources = Sources::default();
    let mut check = |outcome: &str, test: &str| {
        let test = test.replace("MANIFESTS", "kpack-schema/tests/hostile_manifests.rs");
        let row = format!("| an attack | {outcome} | {test} |");
        Line::parse(&row).check(&mut sources)
    };
    for (outcome, test) in [
        ("`too_large`", "`MANIFESTS::kernels_257`"),
        (
            "`name`",
            "`MANIFESTS::an_id_with_a_nul`, `::an_id_that_is_empty`. A note.",
        ),
        (
            "bytes",
            "`kpack-exec/tests/hostile/no-memory.wat`, `memory64.wat`",
        ),
        (
            "nothing compiles",
            "`kpack-verify/src/verified.rs::VerifiedKernel`",
        ),
        (
            "a property",
            "`kpack-exec/src/plan.rs::a_plan_keeps_the_rules`",
        ),
        ("the same", "`cargo xtask test-32-bit`"),
        ("unknown", "Not here: for a reason."),
    ] {
        assert_eq!(check(outcome, test), Ok(()), "{test}");
    }
    for (outcome, test) in [
        ("", "`MANIFESTS::kernels_257`"),
        ("`too_large`", ""),
        ("`too_large`", "Not here: "),
        ("`too_large`", "It needs none."),
        ("`too_large`", "`kernels_257`"),
        ("`too_large`", "`::kernels_257`"),
        ("`too_large`", "`MANIFESTS::kernels_258`"),
        ("`too_large`", "`MANIFESTS::kernels`"),
        ("`too_large`", "`MANIFESTS::kernels_257` and others"),
        ("`name`", "`MANIFESTS::kernels_257`"),
        (
            "`too_large`",
            "`kpack-schema/tests/nowhere.rs::kernels_257`",
        ),
        ("`import`", "`kpack-exec/tests/hostile/no-memory.wat`"),
        ("bytes", "`kpack-exec/tests/hostile/nowhere.wat`"),
        ("bytes", "`kpack/tests/support/scale.wat`"),
        (
            "nothing compiles",
            "`kpack-verify/src/verified.rs::VerifiedPack`",
        ),
        ("the same", "`cargo xtask test-16-bit`"),
    ] {
        assert!(check(outcome, test).is_err(), "{outcome}: {test}");
    }
}

struct Section {
    title: String,
    lines: Vec<Line>,
}

/// A line of a table: an attack, what it ends in, and what shows that.
struct Line {
    attack: String,
    outcome: String,
    shown_by: String,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reference {
    Test {
        file: String,
        name: String,
    },
    Fixture {
        folder: String,
        name: String,
    },
    /// A verb of `cargo xtask`.
    Verb(String),
}

fn page() -> Vec<Section> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/adversaries.md");
    let text = fs::read_to_string(path).unwrap();
    let sections = text.split("\n## ").skip(1).map(|section| {
        let (title, body) = section.split_once('\n').unwrap();
        let rows = body.lines().filter(|line| line.starts_with('|'));
        Section {
            title: title.to_owned(),
            // Behind the heading and the rule below it.
            lines: rows.skip(2).map(Line::parse).collect(),
        }
    });
    sections.collect()
}

/// What stands between backticks.
fn spans(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

impl Line {
    fn parse(row: &str) -> Self {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [attack, outcome, shown_by] = cells[..] else {
            panic!("not three cells: {row}")
        };
        Self {
            attack: attack.to_owned(),
            outcome: outcome.to_owned(),
            shown_by: shown_by.to_owned(),
        }
    }

    fn check(&self, sources: &mut Sources) -> Result<(), String> {
        if self.attack.is_empty() || self.outcome.is_empty() {
            return Err("an empty cell".to_owned());
        }
        let kinds: Vec<&str> = spans(&self.outcome).collect();
        for reference in self.references()? {
            let found = sources.kind_of(&reference)?;
            match found {
                Some(found) if !kinds.is_empty() && !kinds.contains(&found.as_str()) => {
                    return Err(format!("{reference:?} ends in `{found}`"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The references at the start of the last cell, behind which a note may stand.
    fn references(&self) -> Result<Vec<Reference>, String> {
        let mut rest = self.shown_by.as_str();
        let is_reason = |start: &&str| rest.len() > start.len() && rest.starts_with(*start);
        if REASONS.iter().any(is_reason) {
            return Ok(Vec::new());
        }
        let mut references = Vec::new();
        loop {
            let span = rest.strip_prefix('`').and_then(|rest| rest.split_once('`'));
            let (span, behind) = span.ok_or_else(|| format!("neither test nor reason: {rest}"))?;
            references.push(Reference::parse(span, references.last())?);
            match behind.strip_prefix(", ") {
                Some(next) => rest = next,
                None if behind.is_empty() || behind.starts_with(". ") => return Ok(references),
                None => return Err(format!("neither a further test nor a note: {behind}")),
            }
        }
    }
}

impl Reference {
    /// What stands in backticks, where the file or folder may be that of the one before.
    fn parse(span: &str, before: Option<&Self>) -> Result<Self, String> {
        let unknown = || format!("not a test: `{span}`");
        if let Some(verb) = span.strip_prefix("cargo xtask ") {
            return Ok(Self::Verb(verb.to_owned()));
        }
        if let Some((file, name)) = span.split_once("::") {
            let file = match (file, before) {
                ("", Some(Self::Test { file, .. })) => file,
                ("", _) => return Err(unknown()),
                (file, _) => file,
            };
            let (file, name) = (file.to_owned(), name.to_owned());
            return Ok(Self::Test { file, name });
        }
        let (folder, name) = match (span.rsplit_once('/'), before) {
            (Some(path), _) => path,
            (None, Some(Self::Fixture { folder, .. })) => (folder.as_str(), span),
            (None, _) => return Err(unknown()),
        };
        let (folder, name) = (folder.to_owned(), name.to_owned());
        Ok(Self::Fixture { folder, name })
    }
}

/// The tests of each file that was looked at, with the kind of error that they end in where that can
/// be read off.
#[derive(Default)]
struct Sources(BTreeMap<String, BTreeMap<String, Option<String>>>);

impl Sources {
    fn tests_of(&mut self, file: &str) -> Result<&BTreeMap<String, Option<String>>, String> {
        if !self.0.contains_key(file) {
            let source = fs::read_to_string(crates().join(file));
            let source = source.map_err(|error| format!("{file}: {error}"))?;
            let mut tests = Tests::default();
            tests.visit_file(&syn::parse_file(&source).unwrap());
            self.0.insert(file.to_owned(), tests.0);
        }
        Ok(&self.0[file])
    }

    fn kind_of(&mut self, reference: &Reference) -> Result<Option<String>, String> {
        let missing = || format!("there is no {reference:?}");
        match reference {
            Reference::Test { file, name } => {
                let tests = self.tests_of(file)?;
                tests.get(name).cloned().ok_or_else(missing)
            }
            Reference::Fixture { folder, name } => {
                let extension = Path::new(name).extension().and_then(|e| e.to_str());
                let is_run =
                    |&(of, ending): &(&str, &str)| of == folder && extension == Some(ending);
                if !FIXTURES.iter().any(is_run) {
                    return Err(format!("no test runs {reference:?}"));
                }
                let text = fs::read_to_string(crates().join(folder).join(name));
                Ok(expectation(&text.map_err(|_| missing())?))
            }
            Reference::Verb(verb) => {
                let module = format!("src/{}.rs", verb.replace('-', "_"));
                let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(module);
                path.exists().then_some(None).ok_or_else(missing)
            }
        }
    }
}

/// The kind in the first comment of a hostile module that does not end well.
fn expectation(text: &str) -> Option<String> {
    let expected = text
        .lines()
        .find_map(|line| line.strip_prefix(";; expect: "))?;
    match expected.split_once(' ')? {
        ("refused" | "fault", kind) => Some(kind.to_owned()),
        ("rejected", _) => Some("rejected".to_owned()),
        _ => None,
    }
}

/// Finds what `cargo test` runs in a file: functions, entries of tables and examples that must not
/// compile.
#[derive(Default)]
struct Tests(BTreeMap<String, Option<String>>);

impl Visit<'_> for Tests {
    fn visit_item_fn(&mut self, function: &ItemFn) {
        let has = |name| function.attrs.iter().any(|a| a.path().is_ident(name));
        if has("test") && !has("ignore") {
            self.0.insert(function.sig.ident.to_string(), None);
        }
    }

    fn visit_item_struct(&mut self, item: &ItemStruct) {
        if item.attrs.iter().any(is_compile_fail) {
            self.0.insert(item.ident.to_string(), None);
        }
    }

    fn visit_item_macro(&mut self, item: &ItemMacro) {
        let tokens = item.mac.tokens.clone().into_iter();
        let tokens: Vec<String> = tokens.map(|token| token.to_string()).collect();
        if item.mac.path.is_ident("proptest") {
            for window in tokens.windows(3) {
                if let [attribute, function, name] = window
                    && (attribute.as_str(), function.as_str()) == ("[test]", "fn")
                {
                    self.0.insert(name.clone(), None);
                }
            }
        }
        if item.mac.path.is_ident("refused") {
            self.0
                .extend(tokens.split(|token| token == ";").filter_map(entry));
        }
    }
}

/// `name: document => "kind" at "place"`, behind any attributes.
fn entry(tokens: &[String]) -> Option<(String, Option<String>)> {
    let colon = tokens.iter().position(|token| token == ":")?;
    let name = tokens[..colon].last()?;
    let arrow = tokens.windows(2).position(|pair| pair == ["=", ">"])?;
    let kind = tokens.get(arrow + 2)?.trim_matches('"');
    Some((name.clone(), Some(kind.to_owned())))
}

fn is_compile_fail(attribute: &Attribute) -> bool {
    let Meta::NameValue(doc) = &attribute.meta else {
        return false;
    };
    let Expr::Lit(text) = &doc.value else {
        return false;
    };
    let Lit::Str(text) = &text.lit else {
        return false;
    };
    text.value().trim().starts_with("```compile_fail")
}

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates")
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
