//! Packs that take each other's place while calls go on, and packs that must not.
#![cfg(feature = "wasmtime")]
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod support;

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kpack::{
    BackOff, CallError, CallTimes, CompareSpeed, Forgiven, HealthError, HealthPolicy, KernelId,
    MissingVectors, Runtime, Slot, SlotBuilder, SlotKernel, Slowdown, StageError, StageStep,
    Staged, StagingPriority, StateDir, SwapOutcome, Tensor, Wasmtime, write_tensor_file,
};
use kpack_verify::sha256;
use serde_json::{Value, json};
use support::{Made, NOTHING, SCALE, kernel, pack, scale};

const HIDDEN: usize = 8;

fn builder() -> SlotBuilder {
    Slot::builder(Runtime::new(Wasmtime::new().unwrap()))
}

/// y = x * weight + eps.
fn multiplies() -> Made {
    pack(&[("scale.wasm", SCALE)], json!([scale()]))
}

/// The same tensors, but y = x + weight + eps.
fn adds() -> Made {
    let adds = SCALE.replace("(f32.mul", "(f32.add");
    pack(&[("scale.wasm", &adds)], json!([scale()]))
}

fn id(kernel: &str) -> KernelId {
    kernel.parse().unwrap()
}

fn bind(slot: &Slot) -> SlotKernel {
    let weight = Tensor::new(&[HIDDEN], vec![10.0_f32; HIDDEN]).unwrap();
    let dims = [("rows", 1), ("hidden", HIDDEN)];
    let mut norm = slot.bind("rmsnorm_f32", &dims, &[]).unwrap();
    norm.keep("weight", &weight).unwrap();
    norm
}

/// What the kernel gives for 2 and the weight of 10: 20 or 12, and the same for each element.
fn call(norm: &mut SlotKernel) -> f32 {
    let report = norm.run(|inputs| {
        inputs.slice_mut::<f32>("x")?.fill(2.0);
        Ok(())
    });
    report.unwrap();
    let y = norm.output::<f32>("y").unwrap();
    assert_eq!(y, [y[0]; HIDDEN], "one call, one pack");
    y[0]
}

/// Adds a vector with this result for x = 2 and weight = 10.
fn add_vector(made: &Made, result: f32) {
    let tensor = |shape: &[usize], value| Tensor::new(shape, vec![value; HIDDEN]).unwrap();
    let tensors = [
        ("x", tensor(&[1, HIDDEN], 2.0)),
        ("weight", tensor(&[HIDDEN], 10.0)),
        ("y", tensor(&[1, HIDDEN], result)),
    ];
    let views = tensors.iter().map(|(name, tensor)| (*name, tensor.view()));
    ship(made, &write_tensor_file(views).unwrap());
}

/// Ships a file as the kernel's only vector.
fn ship(made: &Made, file: &[u8]) {
    std::fs::write(made.path().join("vector.safetensors"), file).unwrap();
    let vector = json!({
        "path": "vector.safetensors", "hash": sha256(file).to_string(),
        "tolerance": {"mode": "elementwise", "rtol": 1e-6}
    });
    made.release(|manifest| manifest["kernels"][0]["vectors"] = json!([vector]));
}

fn stage(slot: &Slot, made: &Made) -> Result<Staged, StageError> {
    slot.stage(made.path(), &made.trust())
}

/// The pack is refused with this kind, in this step, and what served serves on.
fn refused(slot: &Slot, made: &Made, kind: &str, step: StageStep) {
    let generation = slot.current().generation();
    let error = stage(slot, made).unwrap_err();
    assert_eq!(error.kind(), kind, "{error:?}");
    let record = slot.history().pop().unwrap();
    assert!(matches!(&record.outcome, SwapOutcome::Refused { kind: noted, .. } if *noted == kind));
    assert_eq!(record.steps.last().unwrap().0, step);
    assert_eq!(slot.current().generation(), generation);
    assert_eq!(call(&mut bind(slot)), 20.0);
}

#[test]
fn a_bound_kernel_follows_the_slot_with_what_it_keeps() {
    let (old, new) = (multiplies(), adds());
    let slot = builder().start(old.path(), &old.trust()).unwrap();
    let mut norm = bind(&slot);
    assert_eq!((call(&mut norm), norm.generation().get()), (20.0, 1));
    let held = slot.current();
    assert!(matches!(stage(&slot, &new), Ok(Staged::Swapped(now)) if now.get() == 2));
    assert_eq!((call(&mut norm), norm.generation().get()), (12.0, 2));
    assert_eq!(
        held.pack().manifest_digest(),
        slot.previous().unwrap().pack().manifest_digest()
    );
    assert!(matches!(
        stage(&slot, &new),
        Ok(Staged::AlreadyServing(now)) if now.get() == 2
    ));
    let steps = &slot.history()[1].steps;
    let steps: Vec<&str> = steps.iter().map(|(step, _)| step.name()).collect();
    let all = ["read", "verify", "compile", "interface", "health", "swap"];
    assert_eq!(steps, all);
    let counts = slot.counts();
    assert_eq!((counts.swapped, counts.already_serving), (1, 1));
}

#[test]
fn a_rollback_is_one_call_and_is_not_undone_by_itself() {
    let (old, new) = (multiplies(), adds());
    let slot = builder().start(old.path(), &old.trust()).unwrap();
    let mut norm = bind(&slot);
    assert_eq!(slot.rollback().unwrap_err().kind(), "nothing_before");
    stage(&slot, &new).unwrap();
    assert_eq!(call(&mut norm), 12.0);
    assert_eq!(slot.rollback().unwrap().get(), 3);
    assert_eq!((call(&mut norm), norm.generation().get()), (20.0, 3));
    let error = slot.rollback().unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is nothing to roll back to: no pack served before this one"
    );
    assert!(slot.previous().is_none());

    refused(&slot, &new, "refused_before", StageStep::Verify);
    let refusals = slot.refusals();
    assert_eq!(
        (refusals[0].reason, refusals[0].left),
        ("rolled_back", None)
    );
    assert_eq!(slot.forgive(refusals[0].pack), Forgiven::Refused);
    assert_eq!(slot.forgive(refusals[0].pack), Forgiven::Unknown);
    stage(&slot, &new).unwrap();
    assert_eq!(call(&mut norm), 12.0);
    assert_eq!(slot.counts().rolled_back, 1);
}

#[test]
fn under_load_no_call_fails_and_none_is_mixed() {
    const SWAPS: u64 = 40;
    let packs = [multiplies(), adds()];
    let slot = builder().start(packs[0].path(), &packs[0].trust()).unwrap();
    let (done, calls) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut norm = bind(&slot);
                while !done.load(Ordering::Relaxed) {
                    let y = call(&mut norm);
                    // The first pack multiplies, and every odd one after it.
                    let expected = [12.0, 20.0][usize::from(norm.generation().get() % 2 == 1)];
                    assert_eq!(y, expected, "of {}", norm.generation());
                    calls.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for swap in 1..=SWAPS {
            let next = &packs[usize::from(swap % 2 == 1)];
            let before = calls.load(Ordering::Relaxed);
            stage(&slot, next).unwrap();
            while calls.load(Ordering::Relaxed) < before + 10 {
                std::thread::yield_now();
            }
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(slot.counts().swapped, SWAPS);
    assert_eq!(slot.current().generation().get(), SWAPS + 1);
}

#[test]
fn wrong_numbers_keep_the_old_pack_and_name_the_element() {
    let (old, new) = (multiplies(), adds());
    add_vector(&old, 20.0);
    add_vector(&new, 20.0);
    let slot = builder().start(old.path(), &old.trust()).unwrap();
    refused(&slot, &new, "wrong_numbers", StageStep::Health);
    let record = slot.history().pop().unwrap();
    let SwapOutcome::Refused { message, .. } = record.outcome else {
        panic!("it was refused");
    };
    assert_eq!(
        message,
        "the pack failed its health check: kernel rmsnorm_f32 failed its vector: \
         `vector.safetensors`: the kernel's result differs in: `y`: element 0 must be 20.0 within \
         1.9999999999999998e-5: `12.0`"
    );
}

#[test]
fn a_first_pack_is_tried_like_any_other() {
    let made = adds();
    add_vector(&made, 20.0);
    let error = builder().start(made.path(), &made.trust()).unwrap_err();
    assert_eq!(error.kind(), "wrong_numbers");
    let error = builder()
        .require([id("attention_f32")])
        .start(multiplies().path(), &multiplies().trust());
    assert_eq!(error.unwrap_err().kind(), "untrusted_key");
    let made = multiplies();
    let error = builder()
        .require([id("attention_f32")])
        .start(made.path(), &made.trust());
    assert_eq!(error.unwrap_err().kind(), "kernel_missing");
}

#[test]
fn a_trap_in_a_vector_keeps_the_old_pack() {
    let traps = SCALE.replacen("(i32.const 0)))", "unreachable))", 1);
    assert_ne!(traps, SCALE);
    let (old, new) = (
        multiplies(),
        pack(&[("scale.wasm", &traps)], json!([scale()])),
    );
    add_vector(&new, 20.0);
    let slot = builder().start(old.path(), &old.trust()).unwrap();
    refused(&slot, &new, "unreachable", StageStep::Health);
}

#[test]
fn a_vector_that_does_not_fit_keeps_the_old_pack() {
    let old = multiplies();
    let slot = builder().start(old.path(), &old.trust()).unwrap();
    let new = adds();
    ship(&new, b"no tensors");
    refused(&slot, &new, "malformed_vector", StageStep::Health);
    let tensor = |shape: &[usize]| Tensor::new(shape, vec![1.0_f32; HIDDEN]).unwrap();
    let (x, w) = (tensor(&[1, HIDDEN]), tensor(&[HIDDEN]));
    for tensors in [
        // No result, a result of another shape, and a tensor too many.
        vec![("x", &x), ("weight", &w)],
        vec![("x", &x), ("weight", &w), ("y", &w)],
        vec![("x", &x), ("weight", &w), ("y", &x), ("z", &x)],
        // Inputs that do not fit each other.
        vec![("x", &w), ("weight", &w), ("y", &x)],
    ] {
        let views = tensors.iter().map(|(name, tensor)| (*name, tensor.view()));
        ship(&new, &write_tensor_file(views).unwrap());
        refused(&slot, &new, "malformed_vector", StageStep::Health);
    }
}

#[test]
fn a_policy_may_ask_for_vectors() {
    let old = multiplies();
    add_vector(&old, 20.0);
    let health = HealthPolicy {
        missing_vectors: MissingVectors::Refuse,
        ..HealthPolicy::default()
    };
    let slot = builder().health(health).start(old.path(), &old.trust());
    let slot = slot.unwrap();
    refused(&slot, &adds(), "no_vectors", StageStep::Health);
    let new = adds();
    add_vector(&new, 12.0);
    stage(&slot, &new).unwrap();
}

/// Says that the candidate takes so many milliseconds, and what serves one.
#[derive(Clone)]
struct Told(Arc<AtomicU64>);

impl CompareSpeed for Told {
    fn compare(
        &self,
        candidate: &mut dyn FnMut() -> Result<(), CallError>,
        serving: &mut dyn FnMut() -> Result<(), CallError>,
    ) -> Result<Option<CallTimes>, CallError> {
        candidate()?;
        serving()?;
        Ok(Some(CallTimes {
            candidate: Duration::from_millis(self.0.load(Ordering::Relaxed)),
            serving: Duration::from_millis(1),
        }))
    }
}

#[test]
fn a_slower_pack_is_refused_by_the_stated_factor() {
    let (old, new) = (multiplies(), adds());
    add_vector(&new, 12.0);
    let told = Told(Arc::new(AtomicU64::new(6)));
    let rule = Slowdown::new(5.0, Duration::from_micros(1)).unwrap();
    let policy = HealthPolicy {
        slowdown: Some(rule),
        ..HealthPolicy::default()
    };
    let slot = builder().speed(told.clone()).health(policy);
    let slot = slot.start(old.path(), &old.trust()).unwrap();
    refused(&slot, &new, "slower", StageStep::Health);
    slot.forgive_all();
    told.0.store(5, Ordering::Relaxed);
    stage(&slot, &new).unwrap();
}

/// Makes calls of the candidate until one fails, and once none has, says that it is as fast.
struct UntilOneFails(AtomicU64);

impl CompareSpeed for UntilOneFails {
    fn compare(
        &self,
        candidate: &mut dyn FnMut() -> Result<(), CallError>,
        _serving: &mut dyn FnMut() -> Result<(), CallError>,
    ) -> Result<Option<CallTimes>, CallError> {
        let calls = self.0.swap(1, Ordering::Relaxed);
        (0..calls).try_for_each(|_| candidate())?;
        let time = Duration::from_millis(1);
        Ok(Some(CallTimes {
            candidate: time,
            serving: time,
        }))
    }
}

#[test]
fn a_deadline_while_the_speed_is_measured_is_no_verdict() {
    // The second call of an instance never ends: the vector passes, and the first measurement does not.
    let second_hangs = "(global $called (mut i32) (i32.const 0))
      (func (export \"run\") (param $d i32) (result i32)
        (if (global.get $called) (then (loop $forever (br $forever))))
        (global.set $called (i32.const 1))
        (call $add (local.get $d)))
      (func $add (param $d i32) (result i32)";
    let adds = SCALE.replace("(f32.mul", "(f32.add");
    let header = r#"(func (export "run") (param $d i32) (result i32)"#;
    let module = adds.replacen(header, second_hangs, 1);
    assert_ne!(module, adds);
    let mut kernel = scale();
    kernel["resource_limits"]["max_epoch_ticks"] = json!(20);
    let (old, new) = (
        multiplies(),
        pack(&[("scale.wasm", &module)], json!([kernel])),
    );
    add_vector(&new, 12.0);
    let slot = builder().speed(UntilOneFails(AtomicU64::new(2)));
    let slot = slot.start(old.path(), &old.trust()).unwrap();
    stage(&slot, &new).unwrap();
    assert_eq!(call(&mut bind(&slot)), 12.0);
}

#[test]
fn the_canary_has_the_last_word() {
    let (old, new) = (multiplies(), adds());
    let allowed = Arc::new(AtomicBool::new(false));
    let (canarys, first) = (
        Arc::clone(&allowed),
        sha256(&std::fs::read(old.path().join("kernels.json")).unwrap()),
    );
    let slot = builder().canary(move |pack| {
        if pack.manifest_digest() == first || canarys.load(Ordering::Relaxed) {
            Ok(())
        } else {
            Err("not on a Friday".into())
        }
    });
    let slot = slot.start(old.path(), &old.trust()).unwrap();
    refused(&slot, &new, "canary", StageStep::Canary);
    slot.forgive_all();
    allowed.store(true, Ordering::Relaxed);
    stage(&slot, &new).unwrap();
}

#[test]
fn a_panic_in_the_middle_of_staging_keeps_the_old_pack() {
    for priority in [StagingPriority::Low, StagingPriority::Callers] {
        let (old, new) = (multiplies(), adds());
        let started = AtomicBool::new(false);
        let slot = builder().priority(priority).canary(move |_| {
            assert!(!started.swap(true, Ordering::Relaxed), "as told");
            Ok(())
        });
        let slot = slot.start(old.path(), &old.trust()).unwrap();
        let error = stage(&slot, &new).unwrap_err();
        let StageError::Panicked(panic) = &error else {
            panic!("{error:?}");
        };
        assert_eq!(
            (panic.step, panic.message.as_str()),
            (StageStep::Canary, "as told")
        );
        assert_eq!(call(&mut bind(&slot)), 20.0);
        refused(&slot, &new, "refused_before", StageStep::Verify);
        // No lock is left in a state that stops the next one.
        let same = stage(&slot, &old).unwrap();
        assert!(matches!(same, Staged::AlreadyServing(_)));
    }
}

#[test]
fn the_same_bad_pack_is_refused_at_once_until_its_time_is_over_or_it_is_forgiven() {
    let (old, new) = (multiplies(), adds());
    add_vector(&new, 20.0);
    let now = Arc::new(AtomicU64::new(0));
    let clock = Arc::clone(&now);
    let slot = builder()
        .clock(move || Duration::from_secs(clock.load(Ordering::Relaxed)))
        .back_off(BackOff {
            first: Duration::from_secs(10),
            longest: Duration::from_secs(15),
        });
    let slot = slot.start(old.path(), &old.trust()).unwrap();
    refused(&slot, &new, "wrong_numbers", StageStep::Health);
    refused(&slot, &new, "refused_before", StageStep::Verify);
    let message = stage(&slot, &new).unwrap_err().to_string();
    let digest = sha256(&std::fs::read(new.path().join("kernels.json")).unwrap());
    assert_eq!(
        message,
        format!(
            "the pack was refused before (wrong_numbers), and is not judged for 10 s: `{digest}`"
        )
    );
    now.store(10, Ordering::Relaxed);
    refused(&slot, &new, "wrong_numbers", StageStep::Health);
    now.store(24, Ordering::Relaxed);
    refused(&slot, &new, "refused_before", StageStep::Verify);
    assert_eq!(slot.forgive(digest), Forgiven::Refused);
    refused(&slot, &new, "wrong_numbers", StageStep::Health);
    slot.forgive_all();
    refused(&slot, &new, "wrong_numbers", StageStep::Health);
    let counts = slot.counts();
    assert_eq!((counts.refused, counts.refused_at_once), (4, 3));
}

/// Whoever delivers a good manifest with a bad file must not lock the good pack out.
#[test]
fn a_pack_that_was_not_verified_is_remembered_by_all_its_bytes() {
    let (old, new) = (multiplies(), adds());
    let slot = builder().start(old.path(), &old.trust()).unwrap();
    let module = new.path().join("scale.wasm");
    let good = std::fs::read(&module).unwrap();
    std::fs::write(&module, b"half").unwrap();
    refused(&slot, &new, "digest_mismatch", StageStep::Verify);
    refused(&slot, &new, "refused_before", StageStep::Read);
    std::fs::write(&module, good).unwrap();
    assert!(matches!(stage(&slot, &new), Ok(Staged::Swapped(_))));
}

#[test]
fn what_is_the_hosts_fault_is_not_held_against_the_pack() {
    let (old, new) = (multiplies(), adds());
    let slot = builder().start(old.path(), &old.trust()).unwrap();
    let signature = new.path().join("kernels.json.sig");
    let elsewhere = new.path().parent().unwrap().join("nowhere");
    let error = slot.stage(elsewhere, &new.trust()).unwrap_err();
    assert_eq!(error.kind(), "not_found");
    assert!(signature.exists() && slot.refusals().is_empty());
    stage(&slot, &new).unwrap();
}

#[test]
fn a_pack_without_what_the_host_calls_is_refused() {
    let old = multiplies();
    let other = pack(&[("n.wasm", NOTHING)], json!([kernel("other", "n.wasm")]));
    let mut with_half = scale();
    with_half["inputs"][0]["dtype"] = json!("f16");
    let half = pack(&[("scale.wasm", SCALE)], json!([with_half]));
    let mut small = scale();
    small["resource_limits"]["max_memory_pages"] = json!(2);
    let small = pack(&[("scale.wasm", SCALE)], json!([small]));

    let slot = builder().start(old.path(), &old.trust()).unwrap();
    let norm = bind(&slot);
    refused(&slot, &other, "kernel_missing", StageStep::Interface);
    refused(&slot, &half, "kernel_changed", StageStep::Interface);
    let large = slot.bind("rmsnorm_f32", &[("rows", 64), ("hidden", 512)], &[]);
    refused(&slot, &small, "kernel_unbound", StageStep::Interface);
    // What nobody calls any more is asked for no longer.
    slot.forgive_all();
    drop((norm, large));
    stage(&slot, &small).unwrap();
    stage(&slot, &other).unwrap();

    let slot = builder().require([id("rmsnorm_f32")]);
    let slot = slot.start(old.path(), &old.trust()).unwrap();
    refused(&slot, &other, "kernel_missing", StageStep::Interface);
    refused(&slot, &half, "kernel_changed", StageStep::Interface);
}

#[test]
fn after_a_rollback_to_a_pack_without_the_kernel_its_calls_say_so_until_the_next_swap() {
    let nothing = pack(&[("n.wasm", NOTHING)], json!([kernel("other", "n.wasm")]));
    let (first, second) = (multiplies(), adds());
    let slot = builder().start(nothing.path(), &nothing.trust()).unwrap();
    stage(&slot, &first).unwrap();
    let mut norm = bind(&slot);
    assert_eq!(call(&mut norm), 20.0);
    slot.rollback().unwrap();
    for _ in 0..2 {
        assert_eq!(norm.run(|_| Ok(())).unwrap_err().kind(), "unknown_kernel");
        let stale = norm.output::<f32>("y").unwrap_err();
        assert!(matches!(stale, CallError::NoResult { .. }), "{stale:?}");
    }
    stage(&slot, &second).unwrap();
    assert_eq!(call(&mut norm), 12.0);
}

#[test]
fn a_slot_takes_no_pack_of_another_name() {
    let (old, other) = (multiplies(), adds());
    other.release(|manifest| manifest["name"] = json!("other-pack"));
    let slot = builder().start(old.path(), &old.trust()).unwrap();
    refused(&slot, &other, "other_pack", StageStep::Verify);
}

#[test]
fn the_floor_rises_with_the_swap_and_not_before() {
    let folder = tempfile::tempdir().unwrap();
    let state = StateDir::init(folder.path().join("state")).unwrap();
    let runtime = Runtime::builder(Wasmtime::new().unwrap()).state(state.clone());
    let runtime = runtime.build();
    let release = |made: &Made, sequence: u64| {
        made.release(|manifest: &mut Value| manifest["sequence"] = json!(sequence));
    };
    let floor = |made: &Made| {
        let state = state.read().unwrap();
        let name = "test-pack".parse().unwrap();
        let floor = state.floors().standing(&name, &made.trust());
        floor.map(|floor| floor.sequence().get())
    };
    let made = multiplies();
    release(&made, 1);
    let slot = Slot::builder(runtime.clone());
    let slot = slot.start(made.path(), &made.trust()).unwrap();
    assert_eq!(floor(&made), Some(1));

    // A bad release does not lock the good one out.
    release(&made, 2);
    add_vector(&made, 21.0);
    assert_eq!(stage(&slot, &made).unwrap_err().kind(), "wrong_numbers");
    assert_eq!(floor(&made), Some(1));

    release(&made, 3);
    add_vector(&made, 20.0);
    stage(&slot, &made).unwrap();
    assert_eq!(floor(&made), Some(3));

    // What is in memory may serve below the floor; from disk it may not.
    slot.rollback().unwrap();
    assert_eq!(call(&mut bind(&slot)), 20.0);
    assert_eq!(slot.current().pack().manifest().sequence(), 1);
    assert_eq!(floor(&made), Some(3));
    release(&made, 1);
    assert_eq!(
        runtime.load(made.path(), &made.trust()).unwrap_err().kind(),
        "rollback"
    );
}

#[test]
fn what_serves_below_the_floor_since_a_rollback_is_known_to_serve() {
    let folder = tempfile::tempdir().unwrap();
    let state = StateDir::init(folder.path().join("state")).unwrap();
    let runtime = Runtime::builder(Wasmtime::new().unwrap()).state(state);
    let made = multiplies();
    let release = |sequence: u64| {
        made.release(|manifest| manifest["sequence"] = json!(sequence));
    };
    release(2);
    let slot = Slot::builder(runtime.build());
    let slot = slot.start(made.path(), &made.trust()).unwrap();
    release(3);
    stage(&slot, &made).unwrap();
    slot.rollback().unwrap();
    release(2);
    let staged = stage(&slot, &made).unwrap();
    assert!(matches!(staged, Staged::AlreadyServing(now) if now.get() == 3));
    // Another one is as old as it was.
    release(1);
    refused(&slot, &made, "rollback", StageStep::Verify);
}

/// Of two hosts with one state, the one whose floor the other has raised meanwhile is refused.
#[test]
fn a_floor_that_rises_while_a_pack_is_tried_keeps_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let state = StateDir::init(folder.path().join("state")).unwrap();
    let runtime = || {
        let runtime = Runtime::builder(Wasmtime::new().unwrap()).state(state.clone());
        runtime.build()
    };
    let made = multiplies();
    made.release(|manifest| manifest["sequence"] = json!(1));
    let newer = tempfile::tempdir().unwrap();
    let other = runtime();
    let (newest, trust) = (newer.path().to_owned(), made.trust());
    let first = AtomicBool::new(true);
    let slot = Slot::builder(runtime()).canary(move |_| {
        if !first.swap(false, Ordering::Relaxed) {
            other.load(&newest, &trust)?;
        }
        Ok(())
    });
    let slot = slot.start(made.path(), &made.trust()).unwrap();
    made.release(|manifest| manifest["sequence"] = json!(9));
    for file in ["kernels.json", "kernels.json.sig", "scale.wasm"] {
        std::fs::copy(made.path().join(file), newer.path().join(file)).unwrap();
    }
    made.release(|manifest| manifest["sequence"] = json!(2));
    refused(&slot, &made, "rollback", StageStep::Swap);
}

#[test]
fn errors_name_their_health() {
    let (old, new) = (multiplies(), adds());
    add_vector(&new, 20.0);
    let slot = builder().start(old.path(), &old.trust()).unwrap();
    let error = stage(&slot, &new).unwrap_err();
    let StageError::Health(HealthError::Vector { kernel, vector, .. }) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(kernel.as_str(), "rmsnorm_f32");
    assert_eq!(vector.as_str(), "vector.safetensors");
}

/// Rolls a slot back when it is dropped.
struct RollsBack(Slot);

impl Drop for RollsBack {
    fn drop(&mut self) {
        self.0.rollback().unwrap();
    }
}

#[test]
fn a_pack_that_is_rolled_back_before_its_stage_has_ended_stays_refused() {
    thread_local! {
        /// Dropped when the thread has done the work of a stage, which ends when the thread has.
        static AT_THE_END: RefCell<Option<RollsBack>> = const { RefCell::new(None) };
    }
    let (old, new) = (multiplies(), adds());
    let armed = Arc::new(Mutex::new(None::<Slot>));
    let to_roll_back = Arc::clone(&armed);
    let slot = builder()
        .priority(StagingPriority::Low)
        .canary(move |_| {
            let slot = to_roll_back.lock().unwrap().take();
            AT_THE_END.set(slot.map(RollsBack));
            Ok(())
        })
        .start(old.path(), &old.trust())
        .unwrap();
    *armed.lock().unwrap() = Some(slot.clone());
    assert!(matches!(stage(&slot, &new), Ok(Staged::Swapped(now)) if now.get() == 2));
    assert_eq!(slot.current().generation().get(), 3, "rolled back");
    refused(&slot, &new, "refused_before", StageStep::Verify);
}
