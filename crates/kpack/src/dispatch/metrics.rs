use kpack_schema::KernelId;
use metrics::{Label, counter, describe_counter, describe_histogram, histogram};

use super::Dispatcher;
use super::stats::{LinkStats, Stats};

/// Hands what a [`Dispatcher`] counts to the recorder of the `metrics` facade.
///
/// Calls do not wait for a recorder: they count for themselves, and a host [exports](Self::export) from
/// time to time, such as before its numbers are read. The names and labels are those of
/// `docs/observability.md`.
///
/// ```
/// # fn example(dispatcher: &kpack::Dispatcher) {
/// let mut exporter = kpack::MetricsExporter::new(dispatcher);
/// loop {
///     exporter.export();
///     std::thread::sleep(std::time::Duration::from_secs(10));
/// #   break;
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct MetricsExporter {
    dispatcher: Dispatcher,
    exported: Stats,
}

/// One number of a link.
type Number = fn(&LinkStats) -> u64;

const COUNTERS: [(&str, &str, Number); 5] = [
    (
        "kpack_caller_errors_total",
        "Calls that a link refused, or for which inputs were missing",
        |link| link.caller_errors,
    ),
    (
        "kpack_host_errors_total",
        "Calls that ended in an error of the engine, the host or a native kernel",
        |link| link.host_errors,
    ),
    (
        "kpack_passed_over_total",
        "Calls that passed a link over because it was set aside",
        |link| link.passed_over,
    ),
    (
        "kpack_cannot_run_total",
        "Calls for which a link could not run at all",
        |link| link.cannot_run,
    ),
    (
        "kpack_set_aside_total",
        "How often a link was set aside",
        |link| link.set_aside,
    ),
];

const FAULTS: &str = "kpack_faults_total";
const LATENCY: &str = "kpack_call_seconds";

impl MetricsExporter {
    /// An exporter of all that the dispatcher has counted and will count, and the descriptions of its
    /// numbers.
    #[must_use]
    pub fn new(dispatcher: &Dispatcher) -> Self {
        for (name, description, _) in COUNTERS {
            describe_counter!(name, description);
        }
        describe_counter!(
            FAULTS,
            "Calls that ended in a fault of a kernel, by its kind"
        );
        describe_histogram!(
            LATENCY,
            metrics::Unit::Seconds,
            "What calls took the link that served them, off by a sixteenth at most"
        );
        Self {
            exported: Stats {
                kernels: dispatcher.stats_of(|link| LinkStats::none(link.id().clone())),
            },
            dispatcher: dispatcher.clone(),
        }
    }

    /// Hands what was counted since the last time to the recorder that is installed by now.
    pub fn export(&mut self) {
        let stats = self.dispatcher.stats();
        let pairs = stats.kernels.iter().zip(self.exported.kernels.values());
        for ((kernel, now), before) in pairs {
            for (now, before) in now.iter().zip(before) {
                self.export_link(kernel, now, before);
            }
        }
        self.exported = stats;
    }

    fn export_link(&self, kernel: &KernelId, now: &LinkStats, before: &LinkStats) {
        let pack = self.dispatcher.pack();
        let labels = vec![
            Label::new("pack", pack.name().to_string()),
            Label::new("engine", pack.engine().to_owned()),
            Label::new("kernel", kernel.to_string()),
            Label::new("link", now.link.to_string()),
        ];
        for (name, _, number) in COUNTERS {
            let news = number(now).saturating_sub(number(before));
            if news > 0 {
                counter!(name, labels.clone()).increment(news);
            }
        }
        for (kind, count) in &now.faults {
            let news = count.saturating_sub(before.faults.get(kind).copied().unwrap_or(0));
            if news > 0 {
                let mut labels = labels.clone();
                labels.push(Label::from_static_parts("kind", kind.name()));
                counter!(FAULTS, labels).increment(news);
            }
        }
        let latency = now.latency.since(&before.latency);
        if latency.count() > 0 {
            let histogram = histogram!(LATENCY, labels);
            for (time, calls) in latency.buckets() {
                let calls = usize::try_from(calls).unwrap_or(usize::MAX);
                histogram.record_many(time.as_secs_f64(), calls);
            }
        }
    }
}
