//! What the deadlines' cost is measured against computes the same.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use kpack::{Runtime, reference_pack};
use kpack_benches::workload::{self, Workload};
use kpack_benches::{lone_kernel, raw};
use kpack_conformance::runtimes;

fn output(runtime: &Runtime, workload: &Workload) -> (u32, Vec<u8>) {
    let pack = reference_pack::load(runtime).unwrap();
    let kernel = pack.kernel(workload.kernel).unwrap();
    let mut bound = workload.bind(&kernel).unwrap();
    bound.run().unwrap();
    let name = bound.outputs()[0].name.clone();
    (
        bound.memory_pages(),
        bound.output_bytes(&name).unwrap().to_vec(),
    )
}

#[test]
fn results_and_memories_are_the_same_with_and_without_deadlines() {
    let with = runtimes().unwrap();
    let without = raw::runtimes_without_deadlines().unwrap();
    assert_eq!(with.len(), without.len());
    for (with, without) in with.iter().zip(&without) {
        assert_eq!(with.backend().name(), without.backend().name());
        assert_eq!(with.backend().version(), without.backend().version());
        for workload in workload::all().iter().step_by(3) {
            assert!(output(with, workload) == output(without, workload));
        }
    }
}

#[test]
fn every_engine_has_a_typed_call_of_its_own() {
    let module = lone_kernel::wasm(lone_kernel::EMPTY).unwrap();
    let calls = raw::typed_calls(&module, lone_kernel::ENTRY_POINT).unwrap();
    let names: Vec<&str> = calls.iter().map(|(name, _)| *name).collect();
    let runtimes = runtimes().unwrap();
    let engines: Vec<&str> = runtimes.iter().map(|r| r.backend().name()).collect();
    assert_eq!(names, engines);
    for (_, mut call) in calls {
        assert_eq!((call(), call()), (0, 0));
    }
}
