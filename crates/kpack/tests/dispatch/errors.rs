//! What leads to no fallback, and what is told when nothing served.

use std::error::Error;

use kpack::{Blame, Dispatcher, KernelError, NativeCall, NativeError, References};
use serde_json::json;

use super::support::{COPY, MOODY, pack, runtimes};
use super::{call, fallbacks, kernel, loaded, moody, references, served, tensor, y};

#[test]
fn a_callers_error_leads_to_no_fallback() {
    for pack in loaded(&moody("sum"), &references()) {
        let dispatch = Dispatcher::new(&pack).kernel("moody").unwrap();
        // The kernel says so.
        let error = call(&dispatch, &[2.0, 8.0]).unwrap_err();
        assert_eq!((error.kind(), error.blame()), ("rejected", Blame::Caller));
        assert_eq!(error.causes().len(), 1);

        // The shapes say so.
        let (x, weight) = (tensor(&[7.0, 8.0]), tensor(&[1.0]));
        let call = dispatch.call().input("x", &x).unwrap();
        let error = call.input("weight", &weight).unwrap().run().unwrap_err();
        assert_eq!(
            (error.kind(), error.blame()),
            ("wrong_shape", Blame::Caller)
        );
        let error = dispatch.call().input("x", &x).unwrap().run().unwrap_err();
        assert_eq!(error.kind(), "missing_input");
        assert_eq!(
            dispatch.call().input("z", &x).unwrap_err().kind(),
            "unknown_input"
        );
        assert_eq!(
            dispatch.bind(&[], &[]).unwrap_err().kind(),
            "missing_dimension"
        );
    }
}

#[test]
fn when_the_fallback_fails_too_both_causes_are_told_in_order() {
    let fail = |_: &mut NativeCall<'_>| Err(NativeError::failed("no such device"));
    let references = References::new().with("sum", fail).unwrap();
    for pack in loaded(&moody("sum"), &references) {
        let dispatch = Dispatcher::new(&pack).kernel("moody").unwrap();
        let error = call(&dispatch, &[1.0]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "neither the kernel nor its fallbacks gave a result, 2 tried: `moody`"
        );
        let causes = error.causes().iter();
        let causes: Vec<(String, &str)> = causes
            .map(|cause| (cause.link.to_string(), cause.error.kind()))
            .collect();
        assert_eq!(
            causes,
            [
                ("moody".to_owned(), "unreachable"),
                ("sum".to_owned(), "native_failed")
            ]
        );
        assert_eq!(
            (error.kind(), error.blame()),
            ("unreachable", Blame::Kernel)
        );
        assert_eq!(
            error.source().unwrap().to_string(),
            "the kernel ran into unreachable code"
        );
        let native = error.causes()[1].error.source().unwrap();
        assert_eq!(native.to_string(), "no such device");
    }
}

#[test]
fn a_chain_is_followed_to_its_end() {
    let kernels = json!([
        kernel("first", "moody.wasm"),
        kernel("second", "moody.wasm"),
        kernel("third", "copy.wasm")
    ]);
    let made = pack(&[("moody.wasm", MOODY), ("copy.wasm", COPY)], kernels);
    made.release(|manifest| {
        manifest["fallbacks"] = fallbacks(&[("first", "second"), ("second", "third")]);
    });
    for pack in loaded(&made, &References::new()) {
        let dispatch = Dispatcher::new(&pack).kernel("first").unwrap();
        let links: Vec<String> = dispatch.links().map(ToString::to_string).collect();
        assert_eq!(links, ["first", "second", "third"]);
        let x = tensor(&[1.0]);
        let outputs = dispatch.call().input("x", &x).unwrap().run().unwrap();
        assert_eq!(served(outputs.report().served_by()), "third");
        assert_eq!(outputs.report().passed_over().len(), 2);
    }
}

#[test]
fn a_kernel_that_this_engine_does_not_run_is_passed_over_visibly() {
    let mut elsewhere = kernel("moody", "moody.wasm");
    elsewhere["platforms"] = json!({"another-engine": {"min_version": "1.0.0"}});
    let made = pack(
        &[("moody.wasm", MOODY), ("copy.wasm", COPY)],
        json!([elsewhere, kernel("copy", "copy.wasm")]),
    );
    made.release(|manifest| manifest["fallbacks"] = fallbacks(&[("moody", "copy")]));
    for pack in loaded(&made, &References::new()) {
        let dispatcher = Dispatcher::new(&pack);
        let dispatch = dispatcher.kernel("moody").unwrap();
        let x = tensor(&[7.0]);
        let outputs = dispatch.call().input("x", &x).unwrap().run().unwrap();
        assert_eq!(served(outputs.report().served_by()), "copy");
        assert_eq!(
            outputs.report().passed_over()[0].error.kind(),
            "engine_not_listed"
        );

        let strict = kpack::FallbackPolicy::strict();
        let dispatcher = Dispatcher::builder(&pack).policy(strict).build();
        let error = dispatcher.kernel("moody").unwrap_err();
        assert!(
            matches!(error, KernelError::Unavailable { .. }),
            "{error:?}"
        );
    }
}

#[test]
fn an_id_that_nobody_registered_is_told_of() {
    // A builtin needs not be registered for a pack to pass its checks.
    for pack in loaded(&moody("builtin:sum"), &references()) {
        let dispatch = Dispatcher::new(&pack).kernel("moody").unwrap();
        let error = call(&dispatch, &[1.0]).unwrap_err();
        let kinds: Vec<&str> = error
            .causes()
            .iter()
            .map(|cause| cause.error.kind())
            .collect();
        assert_eq!(kinds, ["unreachable", "not_registered"]);
        assert_eq!(
            Dispatcher::new(&pack).kernel("nothing").unwrap_err().kind(),
            "unknown_kernel"
        );
    }
}

#[test]
fn a_host_names_what_it_has_registered_and_nothing_else() {
    let made = moody("sum");
    for runtime in runtimes(&References::new()) {
        let error = runtime.load(made.path(), &made.trust()).unwrap_err();
        assert_eq!(error.kind(), "invalid_manifest");
    }
    for runtime in runtimes(&references()) {
        let pack = runtime.load(made.path(), &made.trust()).unwrap();
        assert_eq!(pack.references().ids().count(), 1);
    }
}

#[test]
fn a_panic_in_a_native_kernel_is_contained_and_later_calls_work() {
    use std::sync::{Mutex, PoisonError};
    // It panics while it holds a lock of its own.
    let calls = Mutex::new(0_u32);
    let native = move |call: &mut NativeCall<'_>| {
        let mut calls = calls.lock().unwrap_or_else(PoisonError::into_inner);
        *calls += 1;
        call.output_mut::<f32>("y")?.fill(99.0);
        assert!(*calls > 1, "the first call goes wrong");
        super::sum(call)
    };
    for pack in loaded(
        &moody("sum"),
        &References::new().with("sum", native).unwrap(),
    )
    .iter()
    .take(1)
    {
        let dispatch = Dispatcher::new(pack).kernel("moody").unwrap();
        let mut bound = dispatch.bind(&[("n", 1)], &[]).unwrap();
        bound.keep("weight", &tensor(&[10.0])).unwrap();
        let mut run = || {
            let ended = bound.run(|inputs| {
                inputs.slice_mut::<f32>("x")?.fill(1.0);
                Ok(())
            });
            ended.map(drop)?;
            Ok(bound.output::<f32>("y").unwrap().to_vec())
        };
        let error: kpack::DispatchError = run().unwrap_err();
        let cause = &error.causes()[1].error;
        assert_eq!(
            (cause.kind(), cause.blame()),
            ("native_panicked", Blame::Host)
        );
        assert_eq!(
            cause.to_string(),
            "the native kernel panicked: `the first call goes wrong`"
        );
        assert_eq!(run().unwrap(), [11.0]);
        assert_eq!(y(&call(&dispatch, &[1.0]).unwrap()), [11.0]);
    }
}

#[test]
fn a_native_kernel_that_puts_another_tensor_in_an_outputs_place_gives_no_result() {
    use std::sync::atomic::{AtomicU32, Ordering};
    let calls = AtomicU32::new(0);
    let native = move |call: &mut NativeCall<'_>| {
        if calls.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) {
            call.outputs_mut()[0] = tensor(&[1.0, 2.0, 3.0]);
            return Ok(());
        }
        super::sum(call)
    };
    let references = References::new().with("sum", native).unwrap();
    for pack in loaded(&moody("sum"), &references) {
        let dispatch = Dispatcher::new(&pack).kernel("moody").unwrap();
        let error = call(&dispatch, &[1.0]).unwrap_err();
        assert_eq!(error.causes()[1].error.kind(), "native_failed");
        assert_eq!(y(&call(&dispatch, &[1.0]).unwrap()), [11.0]);

        let mut bound = dispatch.bind(&[("n", 1)], &[]).unwrap();
        bound.keep("weight", &tensor(&[10.0])).unwrap();
        let mut run = || {
            let ended = bound.run(|inputs| {
                inputs.slice_mut::<f32>("x")?.fill(1.0);
                Ok(())
            });
            ended.map(drop)?;
            Ok(bound.output::<f32>("y").unwrap().to_vec())
        };
        let error: kpack::DispatchError = run().unwrap_err();
        let cause = error.causes()[1].error.source().unwrap();
        assert_eq!(
            cause.to_string(),
            "output y must be f32 of [1]: `f32 of [3]`"
        );
        assert_eq!(run().unwrap(), [11.0], "in places of their own again");
    }
}
