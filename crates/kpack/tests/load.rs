//! Packs from disk to results, and each way in which one is refused.
#![cfg(feature = "wasmtime")]
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod support;

use std::error::Error;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kpack::{
    Backend, BackendError, Blame, FeatureSet, HostPolicy, KernelError, LimitPolicy, LoadError,
    PackDir, Runtime, Tensor, Trust, Verifier, Wasmtime,
};
use kpack_exec::{Program, VettedModule};
use serde_json::json;
use support::{NOTHING, SCALE, kernel, pack, scale};

fn runtime() -> Runtime {
    Runtime::new(Wasmtime::new().unwrap())
}

/// The example of the design, with nothing but the paths and the numbers changed.
#[test]
fn the_example_of_the_design_works() -> Result<(), Box<dyn Error>> {
    let made = pack(&[("scale.wasm", SCALE)], json!([scale()]));
    let files = tempfile::tempdir()?;
    let trust_json = files.path().join("trust.json");
    fs::write(&trust_json, &made.trust_json)?;
    let x = Tensor::new(&[2, 3], vec![1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0])?;
    let w = Tensor::new(&[3], vec![10.0_f32, 100.0, 1000.0])?;

    let trust = Trust::from_json(&fs::read_to_string(trust_json)?)?;
    let runtime = Runtime::new(Wasmtime::new()?);
    let pack = runtime.load(made.path(), &trust)?;

    let norm = pack.kernel("rmsnorm_f32")?;
    let y = norm
        .call()
        .input("x", &x)?
        .input("weight", &w)?
        .param("eps", 0.5)?
        .run()?;
    let expected = [10.5, 200.5, 3000.5, 40.5, 500.5, 6000.5];
    assert_eq!(y.get("y").unwrap().as_slice::<f32>()?, expected);

    let mut norm = norm.bind(&[("rows", 2), ("hidden", 3)], &[("eps", 0.5.into())])?;
    norm.input_mut::<f32>("x")?.copy_from_slice(x.as_slice()?);
    norm.input_mut::<f32>("weight")?
        .copy_from_slice(w.as_slice()?);
    norm.run()?;
    let y: &[f32] = norm.output("y")?;
    assert_eq!(y, expected);
    Ok(())
}

#[test]
fn a_pack_says_what_it_is() {
    let made = pack(&[("scale.wasm", SCALE)], json!([scale()]));
    let loaded = runtime().load(made.path(), &made.trust()).unwrap();
    assert_eq!(loaded.name().as_str(), "test-pack");
    assert_eq!(loaded.engine(), "wasmtime");
    assert_eq!(loaded.signers().len(), 1);
    let kernel = loaded.kernel("rmsnorm_f32").unwrap();
    assert_eq!(kernel.info().name, "Scale");
    assert_eq!(kernel.limits().epoch_ticks, 100);
    assert_eq!(kernel.module_path().as_str(), "scale.wasm");
    assert_eq!(loaded.kernels().count(), 1);
    assert_eq!(loaded.unavailable().count(), 0);

    let error = loaded.kernel("rmsnorm").unwrap_err();
    assert_eq!(error.kind(), "unknown_kernel");
    assert_eq!(
        error.to_string(),
        "the pack test-pack has no kernel of this id: `rmsnorm`"
    );
}

#[test]
fn a_kernel_outlives_its_pack_and_serves_several_threads() {
    let made = pack(&[("scale.wasm", SCALE)], json!([scale()]));
    let loaded = runtime().load(made.path(), &made.trust()).unwrap();
    let kernel = loaded.kernel("rmsnorm_f32").unwrap();
    drop((loaded, made));
    std::thread::scope(|scope| {
        for value in [1.0_f32, 2.0] {
            let kernel = kernel.clone();
            scope.spawn(move || {
                let x = Tensor::new(&[1, 2], vec![value; 2]).unwrap();
                let w = Tensor::new(&[2], vec![3.0_f32; 2]).unwrap();
                let call = kernel
                    .call()
                    .input("x", &x)
                    .unwrap()
                    .input("weight", &w)
                    .unwrap();
                let y = call.run().unwrap();
                assert_eq!(
                    y.get("y").unwrap().as_slice::<f32>().unwrap(),
                    [value * 3.0; 2]
                );
            });
        }
    });
}

#[test]
fn a_pack_that_was_changed_is_refused() {
    let made = pack(&[("scale.wasm", SCALE)], json!([scale()]));
    let load = || runtime().load(made.path(), &made.trust()).unwrap_err();

    fs::write(made.path().join("extra.wasm"), "").unwrap();
    assert_eq!(load().kind(), "undeclared_file");
    fs::remove_file(made.path().join("extra.wasm")).unwrap();

    fs::write(made.path().join(".hidden"), "").unwrap();
    assert_eq!(load().kind(), "unsafe_path");
    fs::remove_file(made.path().join(".hidden")).unwrap();

    let wasm = fs::read(made.path().join("scale.wasm")).unwrap();
    fs::write(made.path().join("scale.wasm"), [&wasm[..], &[0]].concat()).unwrap();
    let error = load();
    assert_eq!(error.kind(), "digest_mismatch");
    assert_eq!(error.blame(), Blame::Pack);
    assert!(error.source().unwrap().to_string().contains("scale.wasm"));

    fs::remove_file(made.path().join("scale.wasm")).unwrap();
    assert_eq!(load().kind(), "missing_file");
    fs::remove_file(made.path().join("kernels.json.sig")).unwrap();
    assert_eq!(load().kind(), "missing_signature");
    fs::remove_file(made.path().join("kernels.json")).unwrap();
    let error = load();
    assert_eq!((error.kind(), error.blame()), ("missing_file", Blame::Host));
}

#[test]
fn the_time_is_an_argument() {
    let made = pack(&[("scale.wasm", SCALE)], json!([scale()]));
    let mut trust: serde_json::Value = serde_json::from_str(&made.trust_json).unwrap();
    trust["keys"][0]["not_after"] = json!("2030-01-01T00:00:00Z");
    let trust = Trust::from_json(&trust.to_string()).unwrap();
    let at = |time: &str| runtime().load_at(made.path(), &trust, time.parse().unwrap());
    assert!(at("2029-12-31T23:59:59Z").is_ok());
    assert_eq!(
        at("2030-01-01T00:00:00Z").unwrap_err().kind(),
        "key_expired"
    );
}

#[test]
fn bytes_in_memory_load_like_a_folder() {
    let made = pack(&[("scale.wasm", SCALE)], json!([scale()]));
    let bytes = PackDir::open(made.path()).unwrap().read().unwrap();
    let now = std::time::SystemTime::now().try_into().unwrap();
    let loaded = runtime().load_bytes(bytes, &made.trust(), now).unwrap();
    assert!(loaded.kernel("rmsnorm_f32").is_ok());
}

#[test]
fn a_kernel_for_other_engines_is_unavailable_while_the_rest_works() {
    let mut other = kernel("other", "nothing.wasm");
    other["platforms"] = json!({"wasmer": {"min_version": "7.0.0"}});
    let made = pack(
        &[("nothing.wasm", NOTHING)],
        json!([other, kernel("any", "nothing.wasm")]),
    );
    let loaded = runtime().load(made.path(), &made.trust()).unwrap();
    assert!(loaded.kernel("any").is_ok());
    let error = loaded.kernel("other").unwrap_err();
    assert!(matches!(error, KernelError::Unavailable { .. }));
    assert_eq!(error.kind(), "engine_not_listed");
    let unavailable: Vec<&str> = loaded.unavailable().map(|(id, _)| id.as_str()).collect();
    assert_eq!(unavailable, ["other"]);
}

#[test]
fn a_pack_of_which_no_kernel_runs_here_is_refused() {
    let mut late = kernel("late", "nothing.wasm");
    late["platforms"] = json!({"wasmtime": {"min_version": "4000.0.0"}});
    let made = pack(&[("nothing.wasm", NOTHING)], json!([late]));
    let error = runtime().load(made.path(), &made.trust()).unwrap_err();
    assert_eq!(error.kind(), "engine_version");
    assert_eq!(error.blame(), Blame::Pack);
}

#[test]
fn one_forbidden_module_refuses_the_whole_pack() {
    let start = r#"(module (memory (export "memory") 1) (func $s) (start $s)
        (func (export "run") (param i32) (result i32) i32.const 0))"#;
    let mut hidden = kernel("hidden", "nothing.wasm");
    // Not for this engine, and only in a variant: it is refused all the same.
    hidden["platforms"] = json!({"wasmer": {"min_version": "7.0.0"}});
    hidden["variants"] = json!([{"path": "start.wasm", "hash": ""}]);
    let made = pack(
        &[("nothing.wasm", NOTHING), ("start.wasm", start)],
        json!([kernel("good", "nothing.wasm"), hidden]),
    );
    let error = runtime().load(made.path(), &made.trust()).unwrap_err();
    assert!(matches!(&error, LoadError::Policy { kernel, .. } if kernel.as_str() == "hidden"));
    assert_eq!(error.kind(), "start_function");
}

#[test]
fn the_host_policy_binds() {
    let made = pack(&[("scale.wasm", SCALE)], json!([scale()]));
    let limits = LimitPolicy {
        max_memory_pages: 15,
        ..LimitPolicy::default()
    };
    let strict = Runtime::builder(Wasmtime::new().unwrap())
        .host_policy(HostPolicy {
            limits,
            ..HostPolicy::default()
        })
        .build();
    let error = strict.load(made.path(), &made.trust()).unwrap_err();
    assert_eq!(error.kind(), "invalid_manifest");
}

#[test]
fn one_kernel_is_compiled_alone() {
    let compiled = Arc::new(AtomicUsize::new(0));
    let counting = Counting {
        inner: Wasmtime::new().unwrap(),
        compiled: Arc::clone(&compiled),
    };
    let mut elsewhere = kernel("elsewhere", "nothing.wasm");
    elsewhere["platforms"] = json!({"wasmer": {"min_version": "7.0.0"}});
    let made = pack(
        &[("nothing.wasm", NOTHING), ("scale.wasm", SCALE)],
        json!([scale(), kernel("any", "nothing.wasm"), elsewhere]),
    );
    let runtime = Runtime::new(counting);
    let vetted = runtime
        .verifier()
        .verify(made.path(), &made.trust())
        .unwrap();
    assert_eq!(vetted.kernels().count(), 3);
    let one = runtime.compile_kernel(&vetted, "any").unwrap();
    assert_eq!(one.id().as_str(), "any");
    assert_eq!(compiled.load(Ordering::Relaxed), 1);
    for (id, kind, blame) in [
        ("none", "unknown_kernel", Blame::Caller),
        ("elsewhere", "engine_not_listed", Blame::Pack),
    ] {
        let error = runtime.compile_kernel(&vetted, id).unwrap_err();
        assert_eq!((error.kind(), error.blame()), (kind, blame));
    }
}

#[test]
fn a_runtime_compiles_what_its_own_policy_has_judged() {
    let made = pack(&[("scale.wasm", SCALE)], json!([scale()]));
    let judged = Verifier::default()
        .verify(made.path(), &made.trust())
        .unwrap();
    assert!(runtime().compile(&judged).is_ok());
    let limits = LimitPolicy {
        max_epoch_ticks: 1,
        ..LimitPolicy::default()
    };
    let strict = Runtime::builder(Wasmtime::new().unwrap())
        .host_policy(HostPolicy {
            limits,
            ..HostPolicy::default()
        })
        .build();
    let whole = strict.compile(&judged).map(|_| ()).unwrap_err();
    let one = strict.compile_kernel(&judged, "rmsnorm_f32").map(|_| ());
    for error in [whole, one.unwrap_err()] {
        assert_eq!((error.kind(), error.blame()), ("other_policy", Blame::Host));
    }
}

/// Counts what reaches the engine inside.
struct Counting {
    inner: Wasmtime,
    compiled: Arc<AtomicUsize>,
}

impl Backend for Counting {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn version(&self) -> semver::Version {
        self.inner.version()
    }

    fn offers(&self) -> FeatureSet {
        self.inner.offers()
    }

    fn compile(&self, module: &VettedModule) -> Result<Arc<dyn Program>, BackendError> {
        self.compiled.fetch_add(1, Ordering::Relaxed);
        self.inner.compile(module)
    }
}

#[test]
fn a_module_is_compiled_once_for_all_its_kernels() {
    let compiled = Arc::new(AtomicUsize::new(0));
    let counting = Counting {
        inner: Wasmtime::new().unwrap(),
        compiled: Arc::clone(&compiled),
    };
    // Neither the limits of an instance nor the entry point make another program.
    let mut roomy = kernel("roomy", "nothing.wasm");
    roomy["resource_limits"]["max_memory_pages"] = json!(8);
    let mut other = kernel("other", "nothing.wasm");
    other["entry_point"] = json!("other");
    let mut deep = kernel("deep", "nothing.wasm");
    deep["resource_limits"]["max_stack_size"] = json!(100_000);
    let made = pack(
        &[("nothing.wasm", NOTHING), ("copy.wasm", NOTHING)],
        json!([
            kernel("a", "nothing.wasm"),
            kernel("b", "nothing.wasm"),
            kernel("c", "copy.wasm"),
            roomy,
            other,
            deep
        ]),
    );
    let loaded = Runtime::new(counting)
        .load(made.path(), &made.trust())
        .unwrap();
    assert_eq!(loaded.kernels().count(), 6);
    assert_eq!(
        compiled.load(Ordering::Relaxed),
        2,
        "one for each stack limit"
    );
    let status = |id: &str| {
        let x = Tensor::new(&[1], vec![0.0_f32]).unwrap();
        let call = loaded.kernel(id).unwrap();
        let result = call.call().input("x", &x).unwrap().run();
        result.err().map(|error| error.kind())
    };
    assert_eq!(status("a"), None);
    assert_eq!(
        status("other"),
        Some("rejected"),
        "each kernel has its entry point"
    );
}
