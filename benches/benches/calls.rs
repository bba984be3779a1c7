//! What kpack itself costs: calls of an empty kernel, instances, compilation, loading.
#![allow(
    missing_docs,
    unreachable_pub,
    reason = "criterion's macros make items without documentation, and the support is a module"
)]

use std::path::Path;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use kpack::{Kernel, Runtime, Tensor, reference_pack};
use kpack_benches::lone_kernel::{self, EMPTY, ENTRY_POINT, INPUT};
use kpack_benches::{cached, raw, workload};
use kpack_conformance::runtimes;

mod support;

/// One group in which each engine is one function.
fn group<'a>(
    criterion: &'a mut Criterion,
    name: &str,
    mut on: impl FnMut(&Runtime, &mut BenchmarkGroup<'a, WallTime>),
) {
    let mut group = criterion.benchmark_group(format!("calls/{name}"));
    for runtime in runtimes().expect("the engines can be set up") {
        on(&runtime, &mut group);
    }
    group.finish();
}

fn empty(runtime: &Runtime) -> Kernel {
    lone_kernel::load(runtime, EMPTY, 1000).expect("the kernel loads")
}

/// A bound call, beside what the engine's own interface gives without kpack.
fn bound(criterion: &mut Criterion) {
    let module = lone_kernel::wasm(EMPTY).expect("the text is a module");
    let typed = raw::typed_calls(&module, ENTRY_POINT).expect("the engines take the module");
    let mut typed = typed.into_iter();
    group(criterion, "empty kernel, bound", |runtime, group| {
        let engine = runtime.backend().name();
        let mut bound = lone_kernel::bind(&empty(runtime)).expect("the kernel is instantiated");
        group.bench_function(engine, |bencher| {
            bencher.iter(|| bound.run().expect("the kernel runs"));
        });
        let own = typed.find(|(name, _)| *name == engine);
        let (_, mut call) = own.expect("every engine has a call of its own");
        group.bench_function(format!("{engine} typed call"), |bencher| {
            bencher.iter(&mut call);
        });
    });
}

fn one_shot(criterion: &mut Criterion) {
    let x = Tensor::new(&[1], vec![0.0_f32]).expect("one element");
    group(criterion, "empty kernel, one-shot", |runtime, group| {
        let kernel = empty(runtime);
        group.bench_function(runtime.backend().name(), |bencher| {
            let call = || kernel.call().input(INPUT, &x)?.run();
            bencher.iter(|| call().expect("the kernel runs"));
        });
    });
}

/// An instance is made, its memory grown, and all given back.
fn bind(criterion: &mut Criterion) {
    let workload = workload::all().swap_remove(0);
    let name = format!("bind {} {}", workload.kernel, workload.size);
    let shapes: Vec<(&str, &[usize])> = workload
        .inputs
        .iter()
        .map(|(name, tensor)| (*name, tensor.shape()))
        .collect();
    group(criterion, &name, |runtime, group| {
        let pack = reference_pack::load(runtime).expect("the reference pack loads");
        let kernel = pack.kernel(workload.kernel).expect("the pack has it");
        group.bench_function(runtime.backend().name(), |bencher| {
            let bind = || kernel.bind_shapes(&shapes, &workload.params);
            bencher.iter(|| bind().expect("the kernel is instantiated"));
        });
    });
}

fn compile(criterion: &mut Criterion) {
    for id in ["rmsnorm_f32", "rope_f32", "swiglu_f32"] {
        group(criterion, &format!("compile {id}"), |runtime, group| {
            let now = "2030-01-01T00:00:00Z".parse().expect("a time");
            let vetted = runtime
                .verifier()
                .verify_bytes(reference_pack::bytes(), &reference_pack::trust(), now)
                .expect("the reference pack is trusted");
            group.bench_function(runtime.backend().name(), |bencher| {
                let compile = || runtime.compile_kernel(&vetted, id);
                bencher.iter(|| compile().expect("the engine takes the module"));
            });
        });
    }
}

/// Verifies and compiles.
fn load(criterion: &mut Criterion) {
    group(criterion, "load the reference pack", |runtime, group| {
        group.bench_function(runtime.backend().name(), |bencher| {
            bencher.iter(|| reference_pack::load(runtime).expect("the reference pack loads"));
        });
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compile-cache");
        let cached = cached::runtime(runtime.backend().name(), &folder);
        let cached = cached.expect("the target folder can be written");
        let name = format!("{}, from the compile cache", runtime.backend().name());
        group.bench_function(name, |bencher| {
            bencher.iter(|| reference_pack::load(&cached).expect("the reference pack loads"));
        });
    });
}

criterion_group! {
    name = benches;
    config = support::criterion();
    targets = bound, one_shot, bind, compile, load
}
criterion_main!(benches);
