//! What is told of a kernel that fails, is set aside and comes back.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kpack::Dispatcher;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use super::{TestClock, call, loaded, moody, references};

/// Keeps the level and the fields of every event of dispatch, as text.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<String>>>);

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.push_str(&format!(" {}={value:?}", field.name()));
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("kpack::dispatch") && *metadata.level() <= Level::DEBUG
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn event(&self, event: &Event<'_>) {
        let mut text = Text(event.metadata().level().to_string());
        event.record(&mut text);
        self.0.lock().unwrap().push(text.0);
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn a_fallback_is_told_of_while_it_is_news() {
    for pack in loaded(&moody("sum"), &references()) {
        let recorder = Recorder::default();
        tracing::subscriber::with_default(recorder.clone(), || {
            let clock = TestClock::default();
            let dispatcher = Dispatcher::builder(&pack).clock(clock.clone()).build();
            let dispatch = dispatcher.kernel("moody").unwrap();
            call(&dispatch, &[2.0]).unwrap_err();
            for _ in 0..3 {
                call(&dispatch, &[1.0]).unwrap();
            }
            // That it is set aside was told; it is not told anew for every call.
            for _ in 0..5 {
                call(&dispatch, &[7.0]).unwrap();
            }
            clock.advance(Duration::from_secs(30));
            call(&dispatch, &[7.0]).unwrap();
        });
        let of = "pack=test-pack kernel=moody link=moody";
        let failed = format!(
            "WARN message=failed {of} kind=\"unreachable\" error=the kernel ran into unreachable code"
        );
        let expected = [
            format!(
                "DEBUG message=refused {of} kind=\"rejected\" error=the kernel refused the call: `INVALID_INPUT`"
            ),
            failed.clone(),
            failed.clone(),
            failed,
            format!("WARN message=set aside {of} kind=unreachable lasts_ms=30000"),
            format!("INFO message=on trial {of}"),
            format!("INFO message=restored {of}"),
        ];
        assert_eq!(*recorder.0.lock().unwrap(), expected);
    }
}
