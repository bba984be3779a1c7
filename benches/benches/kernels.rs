//! Every kernel of the reference pack on every engine, beside a plain native loop.
#![allow(
    missing_docs,
    reason = "criterion's macros make items without documentation"
)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use kpack_benches::native::NativeCall;
use kpack_benches::workload;
use kpack_conformance::runtimes;

fn kernels(criterion: &mut Criterion) {
    let engines: Vec<_> = runtimes()
        .expect("the engines can be set up")
        .into_iter()
        .map(|runtime| {
            let pack = kpack::reference_pack::load(&runtime).expect("the reference pack loads");
            (runtime.backend().name().to_owned(), pack)
        })
        .collect();
    for workload in workload::all() {
        let mut group = criterion.benchmark_group(workload.kernel);
        group.throughput(Throughput::Bytes(workload.bytes()));
        for (engine, pack) in &engines {
            let kernel = pack
                .kernel(workload.kernel)
                .expect("the pack has the kernel");
            let mut bound = workload
                .bind(&kernel)
                .expect("the kernel takes the workload");
            group.bench_function(BenchmarkId::new(engine, &workload.size), |bencher| {
                bencher.iter(|| bound.run().expect("the kernel runs"));
            });
        }
        let mut native = NativeCall::new(&workload);
        group.bench_function(BenchmarkId::new("native", &workload.size), |bencher| {
            bencher.iter(|| black_box(native.run().len()));
        });
        group.finish();
    }
}

criterion_group!(benches, kernels);
criterion_main!(benches);
