//! docs/observability.md lists every span and event with its level and fields.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};

/// The crates that a host links.
const CRATES: [&str; 4] = ["kpack-schema", "kpack-verify", "kpack-exec", "kpack"];

/// Name, `span` or `event`, level, and the fields, sorted.
type Row = (String, String, String, Vec<String>);

#[test]
fn the_table_of_spans_and_events_is_what_stands_in_the_code() {
    let mut found = BTreeSet::new();
    for name in CRATES {
        read_below(&root().join("crates").join(name).join("src"), &mut found);
    }
    assert_eq!(
        found,
        listed(),
        "found in the code, and listed in docs/observability.md"
    );
}

#[test]
fn the_scan_sees_every_form_of_a_field() {
    let code = r#"fn f() {
        tracing::info_span!("name", a, b = tracing::field::Empty, c = %g(1, "x, y"));
        tracing::warn!(%d, ?e, f = ?h, "the message");
    }"#;
    let mut found = Found::default();
    found.visit_file(&syn::parse_file(code).unwrap());
    let row = |name: &str, what: &str, level: &str, fields: [&str; 3]| {
        let fields = fields.map(str::to_owned).into();
        (name.to_owned(), what.to_owned(), level.to_owned(), fields)
    };
    let expected = [
        row("name", "span", "info", ["a", "b", "c"]),
        row("the message", "event", "warn", ["d", "e", "f"]),
    ];
    assert_eq!(found.rows, BTreeSet::from(expected));
}

fn listed() -> BTreeSet<Row> {
    let page = fs::read_to_string(root().join("docs/observability.md")).unwrap();
    let section = page.split("\n## Spans and events\n").nth(1).unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let fields = cells[4].split(", ").filter(|field| !field.is_empty());
        let mut fields: Vec<String> = fields
            .map(|field| field.trim_matches('`').to_owned())
            .collect();
        fields.sort_unstable();
        let cell = |index: usize| cells[index].trim_matches('`').to_owned();
        (cell(1), cell(2), cell(3), fields)
    })
    .collect()
}

fn read_below(folder: &Path, found: &mut BTreeSet<Row>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_below(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let mut of_file = Found::default();
            of_file.visit_file(&syn::parse_file(&fs::read_to_string(&path).unwrap()).unwrap());
            found.append(&mut of_file.rows);
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[derive(Default)]
struct Found {
    rows: BTreeSet<Row>,
}

impl<'ast> Visit<'ast> for Found {
    fn visit_macro(&mut self, found: &'ast syn::Macro) {
        let path: Vec<String> = found
            .path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string())
            .collect();
        if let [tracing, name] = &path[..]
            && tracing == "tracing"
        {
            let (level, what) = match name.strip_suffix("_span") {
                Some(level) => (level, "span"),
                None => (name.as_str(), "event"),
            };
            assert!(
                ["trace", "debug", "info", "warn", "error"].contains(&level),
                "another macro of tracing: {name}"
            );
            let arguments = arguments(&found.tokens.to_string());
            let (texts, mut fields): (Vec<String>, Vec<String>) = arguments
                .into_iter()
                .partition(|argument| argument.starts_with('"'));
            assert_eq!(
                texts.len(),
                1,
                "one name: {arguments:?}",
                arguments = found.tokens
            );
            for field in &mut fields {
                let name = field.split('=').next().unwrap();
                *field = name.trim_matches([' ', '%', '?']).to_owned();
            }
            fields.sort_unstable();
            let name = texts[0].trim_matches('"').to_owned();
            self.rows
                .insert((name, what.to_owned(), level.to_owned(), fields));
        }
        visit::visit_macro(self, found);
    }
}

/// What stands between the commas that are in no bracket and no text.
fn arguments(tokens: &str) -> Vec<String> {
    let (mut arguments, mut depth, mut in_text) = (vec![String::new()], 0_u32, false);
    for character in tokens.chars() {
        match character {
            '"' => in_text = !in_text,
            '(' | '[' | '{' if !in_text => depth += 1,
            ')' | ']' | '}' if !in_text => depth -= 1,
            ',' if !in_text && depth == 0 => {
                arguments.push(String::new());
                continue;
            }
            _ => {}
        }
        arguments.last_mut().unwrap().push(character);
    }
    let trimmed = arguments.iter().map(|argument| argument.trim().to_owned());
    trimmed.filter(|argument| !argument.is_empty()).collect()
}
