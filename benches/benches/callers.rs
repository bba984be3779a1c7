//! From slices into slices: a caller that keeps its instances, on one thread and on two, and the
//! one-shot call, beside the bound call that copies nothing. On the first engine.
#![allow(
    missing_docs,
    unreachable_pub,
    reason = "criterion's macros make items without documentation, and the support is a module"
)]

use std::num::NonZeroU32;

use criterion::{Bencher, Criterion, Throughput, criterion_group, criterion_main};
use kpack::{CallError, Caller, CallerOptions, Kernel, reference_pack};
use kpack_benches::workload::{self, Workload};
use kpack_conformance::runtimes;

mod support;

fn callers(criterion: &mut Criterion) {
    let mut runtimes = runtimes().expect("the engines can be set up").into_iter();
    let runtime = runtimes.next().expect("an engine is compiled in");
    let pack = reference_pack::load(&runtime).expect("the reference pack loads");
    for workload in workload::all() {
        let kernel = pack.kernel(workload.kernel).expect("the pack has it");
        let name = format!("callers/{}/{}", workload.kernel, workload.size);
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::BytesDecimal(workload.bytes()));
        let mut bound = workload.bind(&kernel).expect("the kernel is bound");
        group.bench_function("bound", |bencher| {
            bencher.iter(|| bound.run().expect("the kernel runs"));
        });
        for threads in [1, 2] {
            group.bench_function(format!("caller, threads: {threads}"), |bencher| {
                by_caller(bencher, &kernel, &workload, threads);
            });
        }
        group.bench_function("one-shot", |bencher| {
            bencher.iter(|| one_shot(&kernel, &workload).expect("the kernel runs"));
        });
        group.finish();
    }
}

fn by_caller(bencher: &mut Bencher<'_>, kernel: &Kernel, workload: &Workload, threads: u32) {
    let options = CallerOptions {
        threads: NonZeroU32::new(threads).expect("at least one"),
        ..CallerOptions::default()
    };
    let mut caller = kernel.caller(options).expect("threads can be started");
    let output = kernel.signature().outputs()[0].name.clone();
    let mut y = vec![0.0_f32; workload.output_elements];
    bencher.iter(|| call(&mut caller, workload, &output, &mut y).expect("the kernel runs"));
}

fn call(
    caller: &mut Caller,
    workload: &Workload,
    output: &str,
    y: &mut [f32],
) -> Result<(), CallError> {
    let mut call = caller.call();
    for (name, tensor) in &workload.inputs {
        call = call.input(name, tensor)?;
    }
    for &(name, value) in &workload.params {
        call = call.param(name, value)?;
    }
    call.output(output, y)?.run()
}

fn one_shot(kernel: &Kernel, workload: &Workload) -> Result<(), CallError> {
    let mut call = kernel.call();
    for (name, tensor) in &workload.inputs {
        call = call.input(name, tensor)?;
    }
    for &(name, value) in &workload.params {
        call = call.param(name, value)?;
    }
    call.run().map(drop)
}

criterion_group! {
    name = benches;
    config = support::criterion();
    targets = callers
}
criterion_main!(benches);
