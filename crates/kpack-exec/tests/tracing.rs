//! The spans `compile` and `call` carry pack, kernel and engine.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod support;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

type Spans = Vec<(&'static str, BTreeMap<&'static str, String>)>;

/// Keeps every span's name and fields.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Spans>>);

struct Fields<'a>(&'a mut BTreeMap<&'static str, String>);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(
            field.name(),
            format!("{value:?}").trim_matches('"').to_owned(),
        );
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("kpack_exec")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut fields = BTreeMap::new();
        span.record(&mut Fields(&mut fields));
        let mut spans = self.0.lock().unwrap();
        spans.push((span.metadata().name(), fields));
        Id::from_u64(u64::try_from(spans.len()).unwrap())
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn compile_and_call_are_spans_with_pack_kernel_and_engine() {
    let kernel = support::verified(&support::module("i32.const 0"), json!({}));
    for backend in support::backends() {
        let recorder = Recorder::default();
        tracing::subscriber::with_default(recorder.clone(), || {
            let mut bound = support::compile(backend.as_ref(), &kernel)
                .bind(&[("n", 1)], &[])
                .unwrap();
            bound.input_mut::<f32>("x").unwrap().fill(0.0);
            bound.run().unwrap();
        });
        let fields = BTreeMap::from([
            ("pack", "pack".to_owned()),
            ("kernel", "kernel".to_owned()),
            ("engine", backend.name().to_owned()),
        ]);
        let spans = recorder.0.lock().unwrap();
        assert_eq!(*spans, [("compile", fields.clone()), ("call", fields)]);
    }
}
