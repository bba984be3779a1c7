//! Modules that are made to be slow or large to compile are refused beyond the caps, and harmless
//! within them. How harmless is measured: `docs/compile-budget.md`.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::collections::BTreeSet;

use kpack_exec::{
    Backend, CapKind, CompiledKernel, ModuleCaps, PolicyErrorKind, StaticPolicy, Wasmer, Wasmtime,
};
use kpack_fuzz::Signer;
use kpack_fuzz::bombs::Bomb;

#[test]
fn every_bomb_is_refused_beyond_a_cap() {
    let (policy, signer) = (StaticPolicy::default(), Signer::new());
    let mut caps = BTreeSet::new();
    for bomb in Bomb::ALL {
        match bomb.refusal(&policy, &signer) {
            PolicyErrorKind::Cap {
                cap,
                found,
                allowed,
            } => {
                assert!(found > allowed, "{}", bomb.name);
                caps.insert(cap.kind());
            }
            other => panic!("{}: {other:?}", bomb.name),
        }
    }
    for cap in [
        CapKind::Assignments,
        CapKind::CodeBytes,
        CapKind::Functions,
        CapKind::Merges,
        CapKind::ModuleCalls,
        CapKind::Operands,
        CapKind::Pressure,
    ] {
        assert!(caps.contains(cap.kind()), "no bomb meets the cap: {cap}");
    }
}

/// A sixteenth of what a module may be, so that it is done in seconds without optimisation too.
fn small() -> StaticPolicy {
    let caps = ModuleCaps::default();
    StaticPolicy::with_caps(ModuleCaps {
        code_bytes: caps.code_bytes / 16,
        body_bytes: caps.body_bytes / 4,
        functions: caps.functions / 16,
        calls: caps.calls / 8,
        module_calls: caps.module_calls / 16,
        assignments: caps.assignments / 16,
        pressure: caps.pressure / 16,
        merges: caps.merges / 16,
        operands: caps.operands / 16,
        ..caps
    })
}

fn compiles(backend: &dyn Backend) {
    let (policy, signer) = (small(), Signer::new());
    for bomb in Bomb::ALL {
        let primed = bomb.primed(&policy, &signer);
        let compiled = CompiledKernel::compile(backend, &primed.kernel);
        assert!(
            compiled.is_ok(),
            "{} on {}: {compiled:?}",
            bomb.name,
            backend.name()
        );
        // The entry point is none of the copies: the module works as any other.
        let mut bound = compiled.unwrap().bind(&[("n", 1)], &[]).unwrap();
        bound.input_mut::<f32>("x").unwrap().fill(0.0);
        bound.run().unwrap_err();
    }
}

#[test]
fn small_bombs_compile_on_wasmtime() {
    compiles(&Wasmtime::new().unwrap());
}

#[test]
fn small_bombs_compile_on_wasmer() {
    compiles(&Wasmer::new().unwrap());
}

/// The reference kernels need half of what any cap allows, and mostly a quarter or less.
#[test]
fn the_reference_kernels_need_a_small_part_of_each_cap() {
    let caps = ModuleCaps::default();
    let part = StaticPolicy::with_caps(ModuleCaps {
        code_bytes: caps.code_bytes / 4,
        body_bytes: caps.body_bytes / 4,
        functions: caps.functions / 4,
        locals: caps.locals / 4,
        nesting: caps.nesting / 4,
        blocks: caps.blocks / 4,
        calls: caps.calls / 4,
        module_calls: caps.module_calls / 4,
        assignments: caps.assignments / 2,
        pressure: caps.pressure / 4,
        merges: caps.merges / 4,
        operands: caps.operands / 4,
        ..caps
    });
    let pack = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../kpack/reference-pack/llama-core"
    );
    let manifest = std::fs::read(format!("{pack}/kernels.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let mut modules = 0;
    for kernel in manifest["kernels"].as_array().unwrap() {
        let variants = kernel["variants"].as_array().into_iter().flatten();
        for module in std::iter::once(kernel).chain(variants) {
            let path = module["path"].as_str().unwrap();
            let wasm = std::fs::read(format!("{pack}/{path}")).unwrap();
            let changes = serde_json::json!({
                "entry_point": kernel["entry_point"],
                "platforms": {"wasmtime": {
                    "min_version": "0.0.1", "features": ["bulk-memory", "relaxed-simd"]
                }},
                "resource_limits": {
                    "max_memory_pages": 1024, "max_epoch_ticks": 5, "max_table_elements": 0
                },
            });
            let kernel = Signer::new().verified(&wasm, &changes).unwrap();
            part.vet(&kernel)
                .unwrap_or_else(|error| panic!("{path}: {error:?}"));
            modules += 1;
        }
    }
    assert_eq!(modules, 62, "for each kernel its modules");
}
