//! Kernels that fail too often are set aside, and tried again one call at a time.

use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kpack::{
    CallError, Dispatch, Dispatcher, FallbackPolicy, FaultKind, LinkError, OnFailure, Pack,
    SetAside,
};

use super::{TestClock, call, loaded, moody, references, served};

const SECOND: Duration = Duration::from_secs(1);

/// After two faults within ten seconds, for five.
fn rule() -> SetAside {
    SetAside {
        faults: NonZeroU32::new(2).unwrap(),
        within: 10 * SECOND,
        lasts: 5 * SECOND,
    }
}

fn dispatch(pack: &Pack, clock: &TestClock) -> Dispatch {
    let policy = FallbackPolicy::default().set_aside(rule());
    let builder = Dispatcher::builder(pack).policy(policy);
    builder
        .clock(clock.clone())
        .build()
        .kernel("moody")
        .unwrap()
}

/// What serves a call, and why the kernel did not.
fn outcome(dispatch: &Dispatch, x: f32) -> (String, Option<&'static str>) {
    let outputs = call(dispatch, &[x]).unwrap();
    let passed_over = outputs.report().passed_over().first();
    let why = passed_over.map(|failure| failure.error.kind());
    (served(outputs.report().served_by()), why)
}

const FAILING: f32 = 1.0;
const WORKING: f32 = 7.0;

#[test]
fn a_kernel_that_failed_too_often_is_set_aside_and_serves_again_after_a_trial() {
    for pack in loaded(&moody("sum"), &references()) {
        let clock = TestClock::default();
        let dispatch = dispatch(&pack, &clock);
        let native = |why| ("native sum".to_owned(), Some(why));
        let kernel = ("moody".to_owned(), None);
        assert_eq!(outcome(&dispatch, FAILING), native("unreachable"));
        assert_eq!(outcome(&dispatch, WORKING), kernel);
        assert_eq!(outcome(&dispatch, FAILING), native("unreachable"));
        // Set aside: it would work by now, and is not asked.
        assert_eq!(outcome(&dispatch, WORKING), native("set_aside"));
        clock.advance(5 * SECOND - Duration::from_millis(1));
        let outputs = call(&dispatch, &[WORKING]).unwrap();
        let LinkError::SetAside { left, fault, .. } = &outputs.report().passed_over()[0].error
        else {
            panic!("{:?}", outputs.report());
        };
        assert_eq!(
            (*left, *fault),
            (Duration::from_millis(1), FaultKind::Unreachable)
        );
        // The trial fails, and sets it aside anew; the next one works.
        clock.advance(Duration::from_millis(1));
        assert_eq!(outcome(&dispatch, FAILING), native("unreachable"));
        assert_eq!(outcome(&dispatch, WORKING), native("set_aside"));
        clock.advance(5 * SECOND);
        assert_eq!(outcome(&dispatch, WORKING), kernel);
        // It starts afresh.
        assert_eq!(outcome(&dispatch, FAILING), native("unreachable"));
        assert_eq!(outcome(&dispatch, WORKING), kernel);
    }
}

#[test]
fn faults_further_apart_than_the_window_set_nothing_aside() {
    for pack in loaded(&moody("sum"), &references()) {
        let clock = TestClock::default();
        let dispatch = dispatch(&pack, &clock);
        for _ in 0..5 {
            assert_eq!(outcome(&dispatch, FAILING).1, Some("unreachable"));
            clock.advance(10 * SECOND);
        }
        assert_eq!(outcome(&dispatch, WORKING).1, None);
    }
}

#[test]
fn a_fault_that_leads_to_no_fallback_sets_nothing_aside() {
    for pack in loaded(&moody("sum"), &references()) {
        let policy = FallbackPolicy::default()
            .set_aside(rule())
            .on_fault(FaultKind::Unreachable, OnFailure::Return);
        let dispatcher = Dispatcher::builder(&pack).policy(policy).build();
        let dispatch = dispatcher.kernel("moody").unwrap();
        for _ in 0..5 {
            assert_eq!(
                call(&dispatch, &[FAILING]).unwrap_err().kind(),
                "unreachable"
            );
        }
        assert_eq!(outcome(&dispatch, WORKING).1, None);
    }
}

#[test]
fn what_nothing_could_stand_in_for_is_never_set_aside() {
    // Nobody registered the fallback.
    for pack in loaded(&moody("builtin:sum"), &references()) {
        let clock = TestClock::default();
        let dispatch = dispatch(&pack, &clock);
        for _ in 0..5 {
            assert_eq!(
                call(&dispatch, &[FAILING]).unwrap_err().kind(),
                "unreachable"
            );
        }
        assert_eq!(outcome(&dispatch, WORKING).1, None);
    }
}

#[test]
fn a_trial_that_ends_without_a_verdict_is_left_to_the_next_call() {
    for pack in loaded(&moody("sum"), &references()) {
        let clock = TestClock::default();
        let dispatch = dispatch(&pack, &clock);
        let mut bound = dispatch.bind(&[("n", 1)], &[]).unwrap();
        bound.keep("weight", &super::tensor(&[10.0])).unwrap();
        for _ in 0..2 {
            outcome(&dispatch, FAILING);
        }
        clock.advance(5 * SECOND);
        // The caller's error, and a panic of his, say nothing about the kernel.
        assert_eq!(call(&dispatch, &[2.0]).unwrap_err().kind(), "rejected");
        let panic = catch_unwind(AssertUnwindSafe(|| {
            bound
                .run(|_| -> Result<(), CallError> { panic!("the caller's own") })
                .map(drop)
        }));
        assert!(panic.is_err());
        assert_eq!(outcome(&dispatch, WORKING).1, None);
    }
}

#[test]
fn one_call_at_a_time_tries_a_kernel_again() {
    const THREADS: usize = 8;
    for pack in loaded(&moody("sum"), &references()) {
        let clock = TestClock::default();
        let dispatch = dispatch(&pack, &clock);
        for _ in 0..2 {
            outcome(&dispatch, FAILING);
        }
        clock.advance(5 * SECOND);
        let (trials, fallbacks) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let (start, others_done) = (Barrier::new(THREADS), Barrier::new(THREADS));
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    let mut bound = dispatch.bind(&[("n", 1)], &[]).unwrap();
                    bound.keep("weight", &super::tensor(&[10.0])).unwrap();
                    start.wait();
                    let mut fills = 0;
                    let report = bound.run(|inputs| {
                        fills += 1;
                        let x = inputs.slice_mut::<f32>("x")?;
                        x.fill(WORKING);
                        // Whoever got the trial holds it until all others were served.
                        others_done.wait();
                        Ok(())
                    });
                    match served(report.unwrap().served_by()).as_str() {
                        "moody" => &trials,
                        _ => &fallbacks,
                    }
                    .fetch_add(1, Ordering::Relaxed);
                    assert_eq!(fills, 1, "each link that is tried is filled once");
                });
            }
        });
        assert_eq!(trials.into_inner(), 1);
        assert_eq!(fallbacks.into_inner(), THREADS - 1);
        assert_eq!(outcome(&dispatch, WORKING).1, None);
    }
}

#[test]
fn a_fallback_that_is_set_aside_in_one_chain_is_so_in_all() {
    use super::kernel;
    use super::support::{COPY, MOODY, pack};
    let kernels = serde_json::json!([
        kernel("first", "moody.wasm"),
        kernel("moody", "moody.wasm"),
        kernel("copy", "copy.wasm")
    ]);
    let made = pack(&[("moody.wasm", MOODY), ("copy.wasm", COPY)], kernels);
    made.release(|manifest| {
        manifest["fallbacks"] = super::fallbacks(&[("first", "moody"), ("moody", "copy")]);
    });
    for pack in loaded(&made, &references()) {
        let policy = FallbackPolicy::default().set_aside(rule());
        let dispatcher = Dispatcher::builder(&pack).policy(policy).build();
        let one = |id: &str| {
            let dispatch = dispatcher.kernel(id).unwrap();
            let x = super::tensor(&[FAILING]);
            let outputs = dispatch.call().input("x", &x).unwrap().run().unwrap();
            let passed_over = outputs.report().passed_over().iter();
            passed_over
                .map(|failure| failure.error.kind())
                .collect::<Vec<_>>()
        };
        assert_eq!(one("moody"), ["unreachable"]);
        assert_eq!(one("first"), ["unreachable", "unreachable"]);
        assert_eq!(one("first"), ["unreachable", "set_aside"]);
        assert_eq!(one("moody"), ["set_aside"]);
    }
}
