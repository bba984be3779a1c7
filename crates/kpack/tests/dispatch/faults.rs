//! Each kind of fault leads to the fallback.

use std::collections::BTreeSet;

use kpack::{CallError, Pack};
use kpack::{Dispatcher, FallbackPolicy, Fault, FaultKind, LinkError, OnFailure, References};
use serde_json::json;

use super::support::{COPY, pack};
use super::{kernel, loaded, served, tensor};

/// A module's fields and the entry point's body for each kind of fault that a test can bring about:
/// every kind but the one that stands for traps which no kind describes.
const FAULTS: &[(FaultKind, &str, &str)] = &[
    (
        FaultKind::Deadline,
        "",
        "(loop $forever (br $forever)) i32.const 0",
    ),
    (
        FaultKind::StackOverflow,
        "(func $down (param i32) (result i32)
           (i32.add (i32.const 1) (call $down (i32.add (local.get 0) (i32.const 1)))))",
        "(call $down (local.get 0))",
    ),
    (FaultKind::MemoryLimit, "(memory 4)", "i32.const 0"),
    (
        FaultKind::MemoryOutOfBounds,
        "",
        "(i32.load (i32.const -4))",
    ),
    (FaultKind::TableOutOfBounds, "(table 1 funcref)", CALL_7),
    (FaultKind::IndirectCallToNull, "(table 8 funcref)", CALL_7),
    (
        FaultKind::IndirectCallType,
        "(func $other) (table 8 funcref) (elem (i32.const 7) $other)",
        CALL_7,
    ),
    (
        FaultKind::IntegerOverflow,
        "",
        "(i32.div_s (i32.const 0x80000000) (i32.const -1))",
    ),
    (
        FaultKind::IntegerDivideByZero,
        "",
        "(i32.div_u (i32.const 1) (i32.const 0))",
    ),
    (
        FaultKind::BadConversionToInteger,
        "",
        "(i32.trunc_f32_s (f32.const nan))",
    ),
    (FaultKind::Unreachable, "", "unreachable"),
    (FaultKind::Status, "", "i32.const 4"),
    (FaultKind::Status, "", "i32.const 5"),
    (FaultKind::Status, "", "i32.const 6"),
    (FaultKind::Status, "", "i32.const 77"),
    (FaultKind::Status, "", "i32.const -1"),
];

const CALL_7: &str = "(call_indirect (param i32) (result i32) (local.get 0) (i32.const 7))";

/// A pack whose kernel `broken` ends so, and falls back to `copy`.
fn broken(fields: &str, body: &str) -> Vec<Pack> {
    let memory = if fields.contains("(memory") {
        fields.replace("(memory", "(memory (export \"memory\")")
    } else {
        format!("(memory (export \"memory\") 1) {fields}")
    };
    let module =
        format!("(module {memory} (func (export \"run\") (param i32) (result i32) {body}))");
    let mut broken = kernel("broken", "broken.wasm");
    broken["resource_limits"]["max_table_elements"] = json!(8);
    if body.contains("$forever") {
        broken["resource_limits"]["max_epoch_ticks"] = json!(2);
    }
    let kernels = json!([broken, kernel("copy", "copy.wasm")]);
    let made = pack(&[("broken.wasm", &module), ("copy.wasm", COPY)], kernels);
    made.release(|manifest| manifest["fallbacks"] = json!({"broken": "copy"}));
    loaded(&made, &References::new())
}

#[test]
fn each_kind_of_fault_leads_to_the_fallback() {
    let mut seen = BTreeSet::new();
    for &(kind, fields, body) in FAULTS {
        seen.insert(kind);
        for pack in broken(fields, body) {
            let dispatch = Dispatcher::new(&pack).kernel("broken").unwrap();
            let x = tensor(&[7.0, 8.0]);
            let outputs = dispatch.call().input("x", &x).unwrap().run().unwrap();
            assert_eq!(outputs.get("y").unwrap(), &x, "{kind} on {}", pack.engine());
            let report = outputs.report();
            assert_eq!(served(report.served_by()), "copy");
            let [failure] = report.passed_over() else {
                panic!("{report:?}")
            };
            assert_eq!(failure.link.to_string(), "broken");
            assert_eq!(failure.error.kind(), kind.name(), "on {}", pack.engine());

            let mut bound = dispatch.bind(&[("n", 2)], &[]).unwrap();
            for _ in 0..2 {
                let report = bound
                    .run(|inputs| {
                        inputs.slice_mut::<f32>("x")?.copy_from_slice(&[7.0, 8.0]);
                        Ok(())
                    })
                    .unwrap();
                assert_eq!(served(report.served_by()), "copy");
                assert_eq!(report.passed_over()[0].error.kind(), kind.name());
                assert_eq!(bound.output::<f32>("y").unwrap(), [7.0, 8.0]);
            }
        }
    }
    let all = FaultKind::ALL
        .iter()
        .copied()
        .filter(|&kind| kind != FaultKind::Other);
    assert_eq!(seen, all.collect());
}

#[test]
fn a_policy_says_per_kind_whether_to_fall_back() {
    for pack in broken("", "unreachable") {
        let policy = FallbackPolicy::default().on_fault(FaultKind::Unreachable, OnFailure::Return);
        let dispatcher = Dispatcher::builder(&pack).policy(policy).build();
        let dispatch = dispatcher.kernel("broken").unwrap();
        let x = tensor(&[7.0]);
        let error = dispatch.call().input("x", &x).unwrap().run().unwrap_err();
        let [cause] = error.causes() else {
            panic!("{error:?}")
        };
        assert!(matches!(
            cause.error,
            LinkError::Call(CallError::Fault(Fault::Unreachable))
        ));
    }
    for pack in broken("", "i32.const 5") {
        let policy = FallbackPolicy::default().on_fault(FaultKind::Unreachable, OnFailure::Return);
        let dispatcher = Dispatcher::builder(&pack).policy(policy).build();
        let dispatch = dispatcher.kernel("broken").unwrap();
        let x = tensor(&[7.0]);
        let outputs = dispatch.call().input("x", &x).unwrap().run().unwrap();
        assert_eq!(served(outputs.report().served_by()), "copy");
    }
}

#[test]
fn strict_turns_fallback_off() {
    for pack in broken("", "unreachable") {
        let dispatcher = Dispatcher::builder(&pack)
            .policy(FallbackPolicy::strict())
            .build();
        let dispatch = dispatcher.kernel("broken").unwrap();
        assert_eq!(dispatch.links().count(), 1);
        let x = tensor(&[7.0]);
        // However often it fails, it is asked again: nothing else could serve.
        for _ in 0..5 {
            let error = dispatch.call().input("x", &x).unwrap().run().unwrap_err();
            assert_eq!(error.kind(), "unreachable");
            assert_eq!(error.causes().len(), 1);
        }
    }
}
