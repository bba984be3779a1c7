//! From slices into slices: a caller that keeps its instances, on one thread and on two, and the
//! one-shot call, beside the bound call that copies nothing. On the first engine.
#![allow(
    missing_docs,
    unreachable_pub,
    reason = "criterion's macros make items without documentation, and the support is a module"
)]

use std::num::NonZeroU32;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kpack_benches::series::{ByCaller, Engine, OneShot, Series};
use kpack_benches::workload;
use kpack_conformance::runtimes;

mod support;

fn callers(criterion: &mut Criterion) {
    let mut runtimes = runtimes().expect("the engines can be set up").into_iter();
    let runtime = runtimes.next().expect("an engine is compiled in");
    let bound = Engine::new("bound", &runtime).expect("the engine takes the reference pack");
    let [one, two] = [1, 2].map(|threads| {
        let threads = NonZeroU32::new(threads).expect("at least one");
        ByCaller::new(&bound, threads)
    });
    let all: [&dyn Series; 4] = [&bound, &one, &two, &OneShot(&bound)];
    for workload in workload::all() {
        let name = format!("callers/{}/{}", workload.kernel, workload.size);
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::BytesDecimal(workload.bytes()));
        for series in all {
            let mut call = series.ready(&workload).expect("the kernel runs");
            group.bench_function(series.name(), |bencher| bencher.iter(&mut call));
        }
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = support::criterion();
    targets = callers
}
criterion_main!(benches);
