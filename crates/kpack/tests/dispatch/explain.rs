//! What would run, and why not the others.

use std::time::Duration;

use kpack::{Dispatcher, FallbackPolicy, FaultKind, References, Verdict};
use serde_json::json;

use super::support::{COPY, MOODY, pack};
use super::{TestClock, call, fallbacks, kernel, loaded, moody, references};

fn verdicts(dispatcher: &Dispatcher, id: &str) -> Vec<(String, Verdict)> {
    let explanation = dispatcher.explain(id).unwrap();
    assert_eq!(explanation.kernel.as_str(), id);
    assert_eq!(explanation.engine, dispatcher.pack().engine());
    let links = explanation.links.into_iter();
    links
        .map(|link| (link.link.to_string(), link.verdict))
        .collect()
}

#[test]
fn a_chain_is_explained_as_it_stands() {
    for pack in loaded(&moody("sum"), &references()) {
        let clock = TestClock::default();
        let dispatcher = Dispatcher::builder(&pack).clock(clock.clone()).build();
        let dispatch = dispatcher.kernel("moody").unwrap();
        let of = |moody, sum| [("moody".to_owned(), moody), ("sum".to_owned(), sum)];
        assert_eq!(
            verdicts(&dispatcher, "moody"),
            of(Verdict::Serves, Verdict::StandsBy)
        );
        for _ in 0..3 {
            call(&dispatch, &[1.0]).unwrap();
        }
        clock.advance(Duration::from_secs(10));
        let fault = FaultKind::Unreachable;
        let left = Duration::from_secs(20);
        assert_eq!(
            verdicts(&dispatcher, "moody"),
            of(Verdict::SetAside { left, fault }, Verdict::Serves)
        );
        clock.advance(left);
        // To explain is not to try.
        for _ in 0..2 {
            let explained = verdicts(&dispatcher, "moody");
            assert_eq!(
                explained,
                of(Verdict::TriedAgain { fault }, Verdict::Serves)
            );
        }
        let first = dispatcher
            .explain("moody")
            .unwrap()
            .first()
            .cloned()
            .unwrap();
        assert_eq!(first.link.to_string(), "moody");
        let runs_as = first.runs_as.unwrap().to_string();
        assert_eq!(runs_as, format!("moody on {} (moody.wasm)", pack.engine()));
        assert_eq!(
            dispatcher.explain("nothing").unwrap_err().kind(),
            "unknown_kernel"
        );
    }
}

#[test]
fn what_cannot_run_here_is_explained_too() {
    let mut elsewhere = kernel("moody", "moody.wasm");
    elsewhere["platforms"] = json!({"another-engine": {"min_version": "1.0.0"}});
    let kernels = json!([elsewhere, kernel("copy", "copy.wasm")]);
    let made = pack(&[("moody.wasm", MOODY), ("copy.wasm", COPY)], kernels);
    made.release(|manifest| {
        manifest["fallbacks"] = fallbacks(&[("moody", "copy"), ("copy", "builtin:copy")]);
    });
    for pack in loaded(&made, &References::new()) {
        let dispatcher = Dispatcher::new(&pack);
        let explanation = dispatcher.explain("moody").unwrap();
        let names: Vec<&str> = explanation
            .links
            .iter()
            .map(|link| link.verdict.name())
            .collect();
        assert_eq!(names, ["engine_not_listed", "serves", "not_registered"]);
        assert_eq!(explanation.first().unwrap().link.to_string(), "copy");

        let strict = Dispatcher::builder(&pack)
            .policy(FallbackPolicy::strict())
            .build();
        let explanation = strict.explain("moody").unwrap();
        assert_eq!((explanation.links.len(), explanation.first()), (1, None));
    }
}
