//! Modules that are too large to stand as fixtures, and which module an engine runs.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod support;

use kpack_exec::{
    Blame, CapKind, CompileError, CompiledKernel, EngineInfo, ModuleCaps, ModuleChoice,
    PlatformError, PolicyErrorKind, StaticPolicy, Tensor, select,
};
use kpack_schema::{Feature, FeatureSet};
use kpack_verify::VerifiedKernel;
use serde_json::json;

use support::{backends, verified, verified_bytes, verified_files};

fn refusal_of(wasm: &[u8]) -> PolicyErrorKind {
    let kernel = verified_bytes(wasm, json!({}));
    StaticPolicy::default()
        .vet(&kernel)
        .unwrap_err()
        .reason()
        .clone()
}

fn refusal(fields: &str, body: &str) -> PolicyErrorKind {
    let wat = format!(
        "(module (memory (export \"memory\") 1) {fields}
           (func (export \"run\") (param i32) (result i32) {body}))"
    );
    refusal_of(&wat::parse_str(wat).unwrap())
}

fn cap_of(reason: PolicyErrorKind) -> CapKind {
    match reason {
        PolicyErrorKind::Cap {
            cap,
            found,
            allowed,
        } => {
            assert!(found > allowed);
            cap
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn huge_functions_are_refused() {
    let zero = "i32.const 0";
    let locals = format!("(local {}) {zero}", "i32 ".repeat(5_000));
    assert_eq!(cap_of(refusal("", &locals)), CapKind::Locals);
    let loops = format!(
        "{} {} {zero}",
        "loop ".repeat(11_000),
        "end ".repeat(11_000)
    );
    assert_eq!(cap_of(refusal("", &loops)), CapKind::Nesting);
    let blocks = format!("{} {zero}", "block end ".repeat(15_000));
    assert_eq!(cap_of(refusal("", &blocks)), CapKind::Blocks);
    let body = format!("{} {zero}", "nop ".repeat(140_000));
    assert_eq!(cap_of(refusal("", &body)), CapKind::BodyBytes);
    let bodies = format!("(func {})", "nop ".repeat(100_000)).repeat(11);
    assert_eq!(cap_of(refusal(&bodies, zero)), CapKind::CodeBytes);
}

#[test]
fn control_flow_that_takes_a_compiler_minutes_is_refused() {
    let locals = format!("(local {})", "i32 ".repeat(1_000));
    let branches = "(br_if 0 (local.get 0))".repeat(2_200);
    let body = format!("{locals} block {branches} end i32.const 0");
    assert_eq!(cap_of(refusal("", &body)), CapKind::Merges);

    // Without any local: what lies on the stack lives on as well.
    let (pushes, drops) = ("(local.get 0)".repeat(3_000), "drop ".repeat(3_000));
    let blocks = "(block (br_if 0 (i32.const 0)))".repeat(1_500);
    let body = format!("{pushes} {blocks} {drops} i32.const 0");
    assert_eq!(cap_of(refusal("", &body)), CapKind::Merges);

    // Each target of a table is handed what the branch hands on.
    let table = format!("(br_table {} (local.get 0))", "0 ".repeat(100_000));
    let body = format!(
        "(local {}) block {table} end i32.const 0",
        "i64 ".repeat(50)
    );
    assert_eq!(cap_of(refusal("", &body)), CapKind::Operands);
}

#[test]
fn locals_that_many_loops_assign_are_refused() {
    let locals = format!("(local {})", "i32 ".repeat(1_000));
    let sets = "(local.set 1 (local.get 0))".repeat(1_500);
    let body = format!(
        "{locals} {} {sets} {} i32.const 0",
        "loop ".repeat(90),
        "end ".repeat(90)
    );
    assert_eq!(cap_of(refusal("", &body)), CapKind::Assignments);
}

#[test]
fn registers_are_not_asked_for_more_values_than_they_can_be_given_to() {
    let locals = format!("(local {})", "i64 ".repeat(1_000));
    let body = format!("{locals} {} i32.const 0", "nop ".repeat(100_000));
    let bodies = format!("(func {locals} {})", "nop ".repeat(100_000)).repeat(2);
    assert_eq!(cap_of(refusal(&bodies, &body)), CapKind::Pressure);
}

#[test]
fn calls_and_loops_without_end_are_refused() {
    for step in [
        "call $f ",
        "loop end ",
        "(drop (memory.grow (i32.const 0))) ",
    ] {
        let body = format!("{} i32.const 0", step.repeat(1_025));
        assert_eq!(
            cap_of(refusal("(func $f)", &body)),
            CapKind::Calls,
            "{step}"
        );
    }
    let bodies = format!("(func {})", "loop end ".repeat(1_000)).repeat(17);
    assert_eq!(
        cap_of(refusal(&bodies, "i32.const 0")),
        CapKind::ModuleCalls
    );
}

#[test]
fn calls_and_blocks_that_hand_on_many_values_are_refused() {
    let thirty = "i32 ".repeat(30);
    let wide = format!(
        "(type $wide (func (param {thirty}) (result {thirty})))
         (func $wide (type $wide) {})",
        (0..30)
            .map(|i| format!("(local.get {i}) "))
            .collect::<String>()
    );
    let (zeros, drops) = ("(i32.const 0)".repeat(30), "drop ".repeat(30));
    for (step, times) in [
        ("call $wide ", 900),
        ("(block (type $wide)) ", 500),
        ("(if (type $wide) (local.get 0) (then)) ", 500),
        ("(br_if 0 (local.get 0)) ", 900),
    ] {
        let body = format!("(block (type $wide) {}) {drops}", step.repeat(times));
        let bodies = format!("(func (param i32) {zeros} {body})").repeat(3);
        let fields = format!("{wide} {bodies}");
        assert_eq!(
            cap_of(refusal(&fields, "i32.const 0")),
            CapKind::Operands,
            "{step}"
        );
    }
}

#[test]
fn fifty_thousand_locals_in_one_group_are_counted() {
    // The text format writes one local at a time; the binary one has a count.
    let wasm = wat::parse_str(format!(
        "(module (memory (export \"memory\") 1) (func (export \"run\") (param i32) (result i32)
           (local {}) i32.const 0))",
        "i64 ".repeat(60)
    ))
    .unwrap();
    // One group of 60 i64: count 60, type 0x7e. The count becomes 50,000 in three bytes, and the
    // body and section grow by two.
    let at = wasm.windows(3).rposition(|w| w == [1, 60, 0x7e]).unwrap();
    let mut large = wasm.clone();
    large.splice(at + 1..=at + 1, [0xd0, 0x86, 0x03]);
    large[at - 1] += 2;
    large[at - 3] += 2;
    assert_eq!(cap_of(refusal_of(&large)), CapKind::Locals);
}

#[test]
fn huge_modules_are_refused() {
    let zero = "i32.const 0";
    let functions = "(func)".repeat(2_001);
    assert_eq!(cap_of(refusal(&functions, zero)), CapKind::Functions);
    let types: String = (0..1_001)
        .map(|i| format!("(type (func (param {})))", "i32 ".repeat(i % 60)))
        .collect();
    assert_eq!(cap_of(refusal(&types, zero)), CapKind::Types);
    let wide = format!("(type (func (param {})))", "i32 ".repeat(65));
    assert_eq!(cap_of(refusal(&wide, zero)), CapKind::TypeValues);
    let exports: String = (0..1_000)
        .map(|i| format!("(func (export \"f{i}\"))"))
        .collect();
    assert_eq!(cap_of(refusal(&exports, zero)), CapKind::Exports);
    let data = format!("(data (i32.const 0) \"{}\")", "a".repeat(5 << 20));
    assert_eq!(cap_of(refusal(&data, zero)), CapKind::DataBytes);
    let segments = "(data (i32.const 0) \"\")".repeat(1_001);
    assert_eq!(cap_of(refusal(&segments, zero)), CapKind::DataSegments);
    let elements = "(elem (i32.const 0) func)".repeat(1_001);
    assert_eq!(
        cap_of(refusal(&format!("(table 1 funcref) {elements}"), zero)),
        CapKind::ElementSegments
    );
    let items = format!(
        "(table 1 funcref) (func $f) (elem (i32.const 0) {})",
        "$f ".repeat(65_537)
    );
    assert_eq!(cap_of(refusal(&items, zero)), CapKind::ElementItems);
    let tables = "(table 0 funcref)".repeat(17);
    assert_eq!(cap_of(refusal(&tables, zero)), CapKind::Tables);
    let custom = format!("(@custom \"a\" \"{}\")", "a".repeat(2 << 20));
    assert_eq!(cap_of(refusal(&custom, zero)), CapKind::CustomBytes);
    let customs = "(@custom \"a\" \"\")".repeat(65);
    assert_eq!(cap_of(refusal(&customs, zero)), CapKind::CustomSections);
    let mut nine_mib = b"\0asm\x01\0\0\0".to_vec();
    nine_mib.resize(9 << 20, 0);
    assert_eq!(cap_of(refusal_of(&nine_mib)), CapKind::ModuleBytes);
}

#[test]
fn bytes_that_are_no_core_module_are_refused() {
    assert_eq!(refusal_of(b"\0asm\x0d\0\x01\0"), PolicyErrorKind::Component);
    for bytes in [
        &b""[..],
        b"\0asm",
        b"\0asm\x02\0\0\0",
        b"\x7fELF\x02\x01\x01\0",
        b"(module)",
    ] {
        assert_eq!(refusal_of(bytes), PolicyErrorKind::NotAModule, "{bytes:?}");
    }
}

#[test]
fn every_truncation_of_a_module_is_refused() {
    let wasm = wat::parse_str(SCALAR).unwrap();
    for end in 0..wasm.len() {
        let reason = refusal_of(&wasm[..end]);
        assert!(!reason.kind().is_empty());
    }
}

#[test]
fn a_padded_table_index_names_the_feature_it_needs() {
    let wat = "(module (memory (export \"memory\") 1) (table 1 funcref)
        (func (export \"run\") (param i32) (result i32)
          (call_indirect (param i32) (result i32) (local.get 0) (i32.const 0))))";
    let mut wasm = wat::parse_str(wat).unwrap();
    // call_indirect type 0, table 0: linkers pad the index, which only reference types allow.
    let at = wasm
        .windows(4)
        .position(|w| w == [0x11, 0, 0, 0x0b])
        .unwrap();
    wasm.splice(at + 2..=at + 2, [0x80, 0]);
    let body = wasm[..at].iter().rposition(|&byte| byte == 0x20).unwrap() - 2;
    wasm[body] += 1;
    wasm[body - 2] += 1;
    match refusal_of(&wasm) {
        PolicyErrorKind::UndeclaredFeature { feature, .. } => {
            assert_eq!(feature, Feature::ReferenceTypes);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_forbidden_proposal_is_named() {
    for (fields, body, name) in [
        ("", "(return_call 0 (i32.const 0))", "tail-call"),
        ("(memory i64 1)", "i32.const 0", "multi-memory"),
        ("(tag $e)", "(throw $e)", "exceptions"),
        ("(type (struct))", "i32.const 0", "gc"),
        (
            "",
            "(drop (i32.atomic.load (i32.const 0))) i32.const 0",
            "threads",
        ),
    ] {
        match refusal(fields, body) {
            PolicyErrorKind::ForbiddenProposal { proposal, .. } => assert_eq!(proposal, name),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn caps_can_be_set() {
    let kernel = verified(&support::module("i32.const 0"), json!({}));
    StaticPolicy::default().vet(&kernel).unwrap();
    let caps = ModuleCaps {
        functions: 3,
        ..ModuleCaps::default()
    };
    let error = StaticPolicy::with_caps(caps).vet(&kernel).unwrap_err();
    assert_eq!(error.kind(), "too_many_functions");
    assert_eq!(error.path().as_str(), "kernel.wasm");
}

const SCALAR: &str = "(module (memory (export \"memory\") 1)
    (func (export \"run\") (param i32) (result i32) i32.const 0))";
const SIMD: &str = "(module (memory (export \"memory\") 1)
    (func (export \"run\") (param i32) (result i32) (drop (v128.const i32x4 0 0 0 0)) i32.const 0))";

fn with_variants(platforms: &serde_json::Value) -> VerifiedKernel {
    let (scalar, simd) = (
        wat::parse_str(SCALAR).unwrap(),
        wat::parse_str(SIMD).unwrap(),
    );
    verified_files(
        &[
            ("kernel.wasm", &scalar),
            ("relaxed.wasm", &simd),
            ("simd.wasm", &simd),
        ],
        json!({
            "platforms": platforms,
            "variants": [
                {"path": "relaxed.wasm", "hash": "", "features": ["relaxed-simd"]},
                {"path": "simd.wasm", "hash": "", "features": ["simd"]}
            ]
        }),
    )
}

fn engine(name: &str, version: &str, offers: &[Feature]) -> EngineInfo {
    EngineInfo {
        name: name.into(),
        version: version.parse().unwrap(),
        offers: offers.iter().copied().collect(),
    }
}

#[test]
fn the_first_variant_that_the_engine_offers_wins() {
    let kernel = with_variants(&json!({}));
    let choice = |offers: &[Feature]| {
        select(kernel.checked(), &engine("any", "1.0.0", offers))
            .unwrap()
            .module
    };
    assert_eq!(choice(&[Feature::RelaxedSimd]), ModuleChoice::Variant(0));
    assert_eq!(
        choice(&[Feature::Simd, Feature::BulkMemory]),
        ModuleChoice::Variant(1)
    );
    assert_eq!(choice(&[Feature::BulkMemory]), ModuleChoice::Path);
    assert_eq!(
        StaticPolicy::default()
            .vet(&kernel)
            .unwrap()
            .modules()
            .count(),
        3
    );
}

#[test]
fn platforms_decide_where_a_kernel_runs() {
    let kernel = with_variants(&json!({
        "wasmtime": {"min_version": "40.0.0", "features": ["bulk-memory"]},
        "wasmer": {"min_version": "7.0.0", "features": ["bulk-memory", "simd"]}
    }));
    let select = |engine: &EngineInfo| select(kernel.checked(), engine);
    let error = select(&engine("wasmi", "1.0.0", &Feature::ALL)).unwrap_err();
    assert_eq!(error.kind(), "engine_not_listed");
    assert!(error.to_string().contains("wasmer, wasmtime"), "{error}");
    let error = select(&engine("wasmtime", "39.9.9", &Feature::ALL)).unwrap_err();
    assert_eq!(error.kind(), "engine_version");
    select(&engine("wasmtime", "40.0.0", &Feature::ALL)).unwrap();
    let error = select(&engine("wasmer", "7.3.0", &[Feature::BulkMemory])).unwrap_err();
    assert_eq!(
        error,
        PlatformError::MissingFeature {
            engine: "wasmer".into(),
            feature: Feature::Simd
        }
    );
    let found = select(&engine("wasmtime", "48.0.8", &[Feature::BulkMemory])).unwrap();
    assert_eq!(found.module, ModuleChoice::Path);
    assert_eq!(
        found.features,
        [Feature::BulkMemory].into_iter().collect::<FeatureSet>()
    );
}

#[test]
fn a_kernel_for_another_engine_is_the_packs_fault() {
    let kernel = with_variants(&json!({"other": {"min_version": "1.0.0", "features": []}}));
    for backend in backends() {
        let vetted = StaticPolicy::default().vet(&kernel).unwrap();
        let error = CompiledKernel::compile(backend.as_ref(), &vetted).unwrap_err();
        assert_eq!(error.blame(), Blame::Pack);
        assert!(matches!(
            error,
            CompileError::Platform(PlatformError::EngineNotListed { .. })
        ));
    }
}

#[test]
fn the_chosen_module_is_visible() {
    let kernel = with_variants(&json!({}));
    for backend in backends() {
        let compiled = support::compile(backend.as_ref(), &kernel);
        let ModuleChoice::Variant(index) = compiled.selection().module else {
            panic!("every engine under test has SIMD");
        };
        assert_eq!(compiled.module_digest(), kernel.variants()[index].digest());
        assert_eq!(compiled.module_path(), kernel.variants()[index].path());
        assert_eq!(compiled.engine(), backend.name());
        assert_eq!(compiled.engine_version(), &backend.version());
        assert_eq!(compiled.entry_point(), "run");
        assert_eq!(compiled.pack().as_str(), "pack");
        assert!(compiled.features().contains(Feature::Simd));

        let x = Tensor::new(&[1], vec![1.0_f32]).unwrap();
        let outputs = compiled.call().input("x", &x).unwrap().run().unwrap();
        let ran = outputs.ran();
        assert_eq!(ran.engine, backend.name());
        assert_eq!(
            (ran.selection, ran.module),
            (compiled.selection(), compiled.module_digest())
        );
    }
}
