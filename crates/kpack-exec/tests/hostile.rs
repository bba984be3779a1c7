//! Hostile modules: each `.wat` in `tests/hostile` states in its first comment how it must end, and
//! it must end that way on every engine.
//!
//! ```text
//! ;; expect: refused KIND | fault KIND | rejected STATUS | ok [zeros | input]
//! ;; features: simd, bulk-memory        (default none)
//! ;; limits: pages=4 ticks=3 table=16 stack=65536 globals=8
//! ;; form: text                         (the bytes of the file itself are the module)
//! ```

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use kpack_exec::{Backend, CallError, CompiledKernel, StaticPolicy, VettedKernel};
use kpack_verify::VerifiedKernel;
use serde_json::{Map, Value, json};

use support::outcome::failure;

#[test]
fn every_hostile_module_ends_as_it_states() {
    let fixtures: Vec<Fixture> = fixtures().iter().map(|path| Fixture::read(path)).collect();
    assert!(
        fixtures.len() >= 50,
        "fixtures are missing: {}",
        fixtures.len()
    );
    let backends = support::backends();
    let ended: Vec<Ended> = fixtures
        .iter()
        .map(|fixture| Ended::of(fixture, &backends))
        .collect();
    let wrong: Vec<String> = ended.iter().flat_map(Ended::mistakes).collect();
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        fixtures.len(),
        wrong.join("\n")
    );
    if cfg!(all(feature = "wasmtime", feature = "wasmer")) {
        compare_with_page(&page(&ended, &backends));
    }
}

/// How a fixture ended before the engines, and on each.
struct Ended<'a> {
    fixture: &'a Fixture,
    /// The kind of the static policy's refusal.
    refused: Option<&'static str>,
    on: Vec<(String, String)>,
}

impl<'a> Ended<'a> {
    fn of(fixture: &'a Fixture, backends: &[Box<dyn Backend>]) -> Self {
        let vetted = StaticPolicy::default().vet(&fixture.verified());
        let on = |backend: &dyn Backend| {
            let vetted = vetted.as_ref().ok()?;
            Some((backend.name().to_owned(), outcome(backend, vetted)))
        };
        Self {
            fixture,
            refused: vetted.as_ref().err().map(|error| error.kind()),
            on: backends
                .iter()
                .filter_map(|backend| on(backend.as_ref()))
                .collect(),
        }
    }

    fn mistakes(&self) -> Vec<String> {
        let Fixture { name, expected, .. } = self.fixture;
        let mut mistakes = Vec::new();
        if self.refused != expected.strip_prefix("refused ") {
            let refused = self.refused;
            mistakes.push(format!("{name}: `{expected}`, vetting found {refused:?}"));
        }
        let wrong = self.on.iter().filter(|(_, found)| found != expected);
        mistakes.extend(
            wrong.map(|(engine, found)| {
                format!("{name} on {engine}: `{expected}`, found `{found}`")
            }),
        );
        mistakes
    }

    fn row(&self, engines: usize) -> String {
        let mut row = format!("| {} | {} |", self.fixture.name, self.fixture.expected);
        for index in 0..engines {
            let found = self.on.get(index).map(|(_, found)| found.as_str());
            row.push_str(&format!(" {} |", found.unwrap_or("never reached")));
        }
        row
    }
}

/// The table of `docs/hostile-modules.md`.
fn page(ended: &[Ended<'_>], backends: &[Box<dyn Backend>]) -> String {
    let names: Vec<&str> = backends.iter().map(|backend| backend.name()).collect();
    let heading = format!("| fixture | must end in | {} |", names.join(" | "));
    let rule = format!("|---|---|{}", "---|".repeat(names.len()));
    let mut lines = vec![
        "# Hostile modules".to_owned(),
        String::new(),
        "What became of each module in `crates/kpack-exec/tests/hostile`. The test `hostile` holds this page"
            .to_owned(),
        "against what happens; `KPACK_UPDATE=1 cargo test --workspace --all-features --test hostile` writes it."
            .to_owned(),
        String::new(),
        heading,
        rule,
    ];
    lines.extend(ended.iter().map(|ended| ended.row(names.len())));
    lines.join("\n") + "\n"
}

fn compare_with_page(found: &str) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/hostile-modules.md");
    if std::env::var_os("KPACK_UPDATE").is_some() {
        fs::write(path, found).unwrap();
    }
    assert!(
        fs::read_to_string(path).unwrap() == found,
        "docs/hostile-modules.md is stale; its first lines say how to write it anew"
    );
}

fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile");
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = entries
        .filter(|p| p.extension().is_some_and(|e| e == "wat"))
        .collect();
    paths.sort();
    paths
}

struct Fixture {
    name: String,
    expected: String,
    features: Vec<String>,
    limits: Map<String, Value>,
    module: Vec<u8>,
}

impl Fixture {
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let header = |key: &str| {
            let lines = text.lines().take_while(|line| line.starts_with(";;"));
            lines
                .filter_map(|line| line.strip_prefix(&format!(";; {key}: ")))
                .next()
        };
        let expected = header("expect").unwrap_or_else(|| panic!("{name} states no outcome"));
        let features = header("features").map_or(Vec::new(), |line| {
            line.split(", ").map(ToOwned::to_owned).collect()
        });
        let limits = header("limits")
            .unwrap_or_default()
            .split_whitespace()
            .map(|limit| {
                let (limit, value) = limit.split_once('=').unwrap();
                let field = match limit {
                    "pages" => "max_memory_pages",
                    "ticks" => "max_epoch_ticks",
                    "table" => "max_table_elements",
                    "stack" => "max_stack_size",
                    "globals" => "max_globals",
                    _ => panic!("{name}: unknown limit {limit}"),
                };
                (field.to_owned(), json!(value.parse::<u64>().unwrap()))
            });
        let module = match header("form") {
            Some("text") => text.clone().into_bytes(),
            Some(form) => panic!("{name}: unknown form {form}"),
            None => wat::parse_str(&text).unwrap_or_else(|error| panic!("{name}: {error}")),
        };
        Self {
            expected: expected.into(),
            features,
            limits: limits.collect(),
            module,
            name,
        }
    }

    fn verified(&self) -> VerifiedKernel {
        let mut platforms = Map::new();
        let backends = support::backends();
        // Without an engine the features still have to stand somewhere for the policy.
        for name in backends
            .iter()
            .map(|backend| backend.name())
            .chain(["another-engine"])
        {
            let platform = json!({"min_version": "0.0.1", "features": self.features});
            platforms.insert(name.into(), platform);
        }
        let platforms = if self.features.is_empty() {
            Map::new()
        } else {
            platforms
        };
        let changes = json!({"platforms": platforms, "resource_limits": self.limits});
        support::verified_bytes(&self.module, changes)
    }
}

/// How a kernel ends on an engine, as fixtures write it.
fn outcome(backend: &dyn Backend, kernel: &VettedKernel) -> String {
    let compiled = match CompiledKernel::compile(backend, kernel) {
        Ok(compiled) => compiled,
        Err(error) => return format!("compile error: {error:?}"),
    };
    let mut bound = match compiled.bind(&[("n", 16)], &[]) {
        Ok(bound) => bound,
        Err(error) => return failure(&error),
    };
    let input: Vec<f32> = (0_u8..16).map(|i| f32::from(i) + 0.5).collect();
    bound.input_mut("x").unwrap().copy_from_slice(&input);
    let ended = bound.run();
    let output = bound.output::<f32>("y");
    match ended {
        Ok(()) if output.as_ref().unwrap().iter().all(|y| y.to_bits() == 0) => "ok zeros".into(),
        Ok(()) if output.as_ref().unwrap() == &input => "ok input".into(),
        Ok(()) => format!("ok {:?}", output.unwrap()),
        Err(error) => {
            assert!(
                matches!(output.unwrap_err(), CallError::NoResult { .. }),
                "a failed call shows no partial result"
            );
            failure(&error)
        }
    }
}
