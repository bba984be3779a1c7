//! A few seconds of what `cargo xtask fuzz --smoke` does for hours.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use kpack_fuzz::{Target, forgery::Forger, modules, smoke};

fn run(target: &str, executions: u64) {
    let target = Target::named(target).unwrap();
    let tally = smoke::run(&target, executions, 0).unwrap();
    assert_eq!(tally.executions, executions);
    let share = tally.accepted * 1000 / executions;
    assert!(
        share > 0,
        "mutants reach no further than the parser: {tally:?}"
    );
}

#[test]
fn manifests() {
    run("manifest", 20_000);
}

#[test]
fn signature_files() {
    run("signature-file", 20_000);
}

#[test]
fn trust_files() {
    run("trust-file", 20_000);
}

#[test]
fn archives() {
    run("archive", 20_000);
}

#[test]
fn modules_that_are_compiled_and_run() {
    run("module", 300);
}

#[test]
fn memory_plans() {
    run("memory-plan", 4_000);
}

#[test]
fn no_forgery_is_accepted() {
    let forgeries = Forger::new(0).run(12_000);
    assert_eq!(forgeries.accepted, 0, "{forgeries:?}");
    assert_eq!(forgeries.judged.len(), 12);
    for kind in ["bad_signature", "digest_mismatch"] {
        assert!(forgeries.refusals.contains_key(kind), "{forgeries:?}");
    }
}

#[test]
fn modules_of_every_fate() {
    let modules = modules::run(400, 20, 0).unwrap();
    assert_eq!((modules.judged, modules.run), (400, 20));
    assert!(modules.passed > 100, "{modules:?}");
}
