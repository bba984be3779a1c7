//! What is counted.

use std::time::Duration;

use kpack::{Dispatcher, FallbackPolicy, FaultKind, LinkStats};

use super::{call, loaded, moody, references, tensor};

/// What the chain of `moody` did, by link.
fn counted(dispatcher: &Dispatcher) -> [LinkStats; 2] {
    let mut stats = dispatcher.stats();
    let links = stats.kernels.remove("moody").unwrap();
    assert!(stats.kernels["copy"].iter().all(|link| link.served() == 0));
    links.try_into().unwrap()
}

#[test]
fn calls_are_counted_by_link_and_by_what_they_ended_in() {
    for pack in loaded(&moody("sum"), &references()) {
        let dispatcher = Dispatcher::new(&pack);
        let dispatch = dispatcher.kernel("moody").unwrap();
        let mut bound = dispatch.bind(&[("n", 1)], &[]).unwrap();
        bound.keep("weight", &tensor(&[10.0])).unwrap();
        let mut run = |x: f32| {
            let fill = |inputs: &mut kpack::DispatchInputs<'_>| {
                inputs.slice_mut::<f32>("x")?.fill(x);
                Ok(())
            };
            bound.run(fill).map(|report| report.time())
        };
        // Two that work, one refused, three faults of two kinds, after which it is set aside.
        let mut time = Duration::ZERO;
        time += run(7.0).unwrap();
        time += call(&dispatch, &[7.0]).unwrap().report().time();
        run(2.0).unwrap_err();
        for mood in [1.0, 3.0, 3.0] {
            run(mood).unwrap();
        }
        call(&dispatch, &[7.0]).unwrap();
        for _ in 0..2 {
            let [kernel, native] = counted(&dispatcher);
            assert_eq!(kernel.link.to_string(), "moody");
            assert_eq!((kernel.served(), kernel.latency.total()), (2, time));
            let faults = [(FaultKind::Unreachable, 1), (FaultKind::Status, 2)];
            assert_eq!(kernel.faults, faults.into());
            assert_eq!((kernel.caller_errors, kernel.host_errors), (1, 0));
            assert_eq!(
                (kernel.set_aside, kernel.passed_over, kernel.cannot_run),
                (1, 1, 0)
            );
            assert_eq!(native.link.to_string(), "sum");
            assert_eq!((native.served(), native.faults.len()), (4, 0));
        }
        // What a bound one has counted outlives it.
        let before = dispatcher.stats();
        drop(bound);
        assert_eq!(dispatcher.stats(), before);
    }
}

#[test]
fn what_cannot_run_is_counted_as_that() {
    for pack in loaded(&moody("builtin:sum"), &references()) {
        let policy = FallbackPolicy::default().never_set_aside();
        let dispatcher = Dispatcher::builder(&pack).policy(policy).build();
        let dispatch = dispatcher.kernel("moody").unwrap();
        call(&dispatch, &[1.0]).unwrap_err();
        assert_eq!(counted(&dispatcher)[1].cannot_run, 1);
    }
}

#[test]
fn calls_of_many_threads_are_all_counted() {
    for pack in loaded(&moody("sum"), &references()) {
        let dispatcher = Dispatcher::new(&pack);
        let dispatch = dispatcher.kernel("moody").unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut bound = dispatch.bind(&[("n", 1)], &[]).unwrap();
                    bound.keep("weight", &tensor(&[10.0])).unwrap();
                    for _ in 0..1000 {
                        let ended = bound.run(|inputs| {
                            inputs.slice_mut::<f32>("x")?.fill(7.0);
                            Ok(())
                        });
                        ended.unwrap();
                    }
                });
            }
        });
        assert_eq!(counted(&dispatcher)[0].served(), 4000);
    }
}
