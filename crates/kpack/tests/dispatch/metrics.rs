//! What the recorder of the `metrics` facade is given.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use kpack::{Dispatcher, MetricsExporter};
use metrics::{
    Counter, CounterFn, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};

use super::{call, loaded, moody, references};

/// Name and labels to what was added up.
type Numbers = BTreeMap<String, f64>;

#[derive(Default)]
struct Recording {
    numbers: Arc<Mutex<Numbers>>,
    described: Mutex<Vec<String>>,
}

struct Number {
    key: String,
    numbers: Arc<Mutex<Numbers>>,
}

impl Number {
    fn add(&self, value: f64) {
        *self
            .numbers
            .lock()
            .unwrap()
            .entry(self.key.clone())
            .or_default() += value;
    }
}

impl CounterFn for Number {
    fn increment(&self, value: u64) {
        self.add(f64::from(u32::try_from(value).unwrap()));
    }

    fn absolute(&self, _: u64) {
        panic!("another dispatcher may add to the same counter");
    }
}

impl HistogramFn for Number {
    fn record(&self, value: f64) {
        assert!(value > 0.0 && value < 60.0, "seconds");
        self.add(1.0);
    }
}

impl Recording {
    fn number(&self, key: &Key) -> Arc<Number> {
        let labels: Vec<&str> = key.labels().map(metrics::Label::value).collect();
        Arc::new(Number {
            key: format!("{} {}", key.name(), labels.join(" ")),
            numbers: Arc::clone(&self.numbers),
        })
    }

    fn describe(&self, key: &KeyName) {
        self.described.lock().unwrap().push(key.as_str().to_owned());
    }
}

impl Recorder for Recording {
    fn describe_counter(&self, key: KeyName, _: Option<Unit>, _: SharedString) {
        self.describe(&key);
    }

    fn describe_gauge(&self, key: KeyName, _: Option<Unit>, _: SharedString) {
        self.describe(&key);
    }

    fn describe_histogram(&self, key: KeyName, _: Option<Unit>, _: SharedString) {
        self.describe(&key);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.number(key))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        panic!("there is no gauge");
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.number(key))
    }
}

#[test]
fn what_was_counted_is_exported_once() {
    for pack in loaded(&moody("sum"), &references()) {
        let recording = Recording::default();
        metrics::with_local_recorder(&recording, || {
            let dispatcher = Dispatcher::new(&pack);
            let dispatch = dispatcher.kernel("moody").unwrap();
            call(&dispatch, &[7.0]).unwrap();
            let mut exporter = MetricsExporter::new(&dispatcher);
            exporter.export();
            for mood in [1.0, 1.0, 3.0, 7.0] {
                call(&dispatch, &[mood]).unwrap();
            }
            exporter.export();
            exporter.export();
        });
        let engine = pack.engine();
        let of = |name: &str, labels: &str| format!("{name} test-pack {engine} moody {labels}");
        let expected = [
            (of("kpack_call_seconds", "moody"), 1.0),
            (of("kpack_call_seconds", "sum"), 4.0),
            (of("kpack_faults_total", "moody status"), 1.0),
            (of("kpack_faults_total", "moody unreachable"), 2.0),
            (of("kpack_passed_over_total", "moody"), 1.0),
            (of("kpack_set_aside_total", "moody"), 1.0),
        ];
        assert_eq!(*recording.numbers.lock().unwrap(), BTreeMap::from(expected));

        // Each name is a row of the documentation, and each row a name.
        let mut described = recording.described.into_inner().unwrap();
        described.sort_unstable();
        let page = include_str!("../../../../docs/observability.md");
        let rows = page
            .lines()
            .filter_map(|line| line.strip_prefix("| `kpack_"));
        let mut documented: Vec<String> = rows
            .map(|row| format!("kpack_{}", row.split('`').next().unwrap()))
            .collect();
        documented.sort_unstable();
        assert_eq!(described, documented);
    }
}
