//! What keeping deadlines costs: each kernel at its middle size with the checks in its code, and
//! without. The memory's layout is the same; the few nanoseconds that a call takes to set its deadline
//! count with the checks.
#![allow(
    missing_docs,
    unreachable_pub,
    reason = "criterion's macros make items without documentation, and the support is a module"
)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kpack::Runtime;
use kpack_benches::series::{Engine, Series};
use kpack_benches::{raw, workload};
use kpack_conformance::runtimes;

mod support;

fn deadline(criterion: &mut Criterion) {
    let with = runtimes().expect("the engines can be set up");
    let without = raw::runtimes_without_deadlines().expect("the engines can be set up");
    for (with, without) in with.iter().zip(&without) {
        let pair = [load("checks on", with), load("checks off", without)];
        for workload in workload::middle() {
            let engine = with.backend().name();
            let name = format!("deadline/{}/{}/{engine}", workload.kernel, workload.size);
            let mut group = criterion.benchmark_group(name);
            group.throughput(Throughput::BytesDecimal(workload.bytes()));
            for series in &pair {
                let mut call = series.ready(&workload).expect("the kernel runs");
                group.bench_function(series.name(), |bencher| bencher.iter(&mut call));
            }
            group.finish();
        }
    }
}

fn load(name: &str, runtime: &Runtime) -> Engine {
    Engine::new(name, runtime).expect("the engine takes the reference pack")
}

criterion_group! {
    name = benches;
    config = support::criterion();
    targets = deadline
}
criterion_main!(benches);
