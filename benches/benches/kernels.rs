//! Every kernel of the reference pack at three sizes on every engine, beside a plain native loop.
#![allow(
    missing_docs,
    unreachable_pub,
    reason = "criterion's macros make items without documentation, and the support is a module"
)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kpack_benches::{series, workload};

mod support;

fn kernels(criterion: &mut Criterion) {
    let all = series::all().expect("the engines take the reference pack");
    for workload in workload::all().into_iter().chain(workload::halves()) {
        let name = format!("kernels/{}/{}", workload.kernel, workload.size);
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::BytesDecimal(workload.bytes()));
        for series in &all {
            let call = series.prepare(&workload).expect("the kernel runs");
            if let Some(mut call) = call {
                group.bench_function(series.name(), |bencher| bencher.iter(&mut call));
            }
        }
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = support::criterion();
    targets = kernels
}
criterion_main!(benches);
