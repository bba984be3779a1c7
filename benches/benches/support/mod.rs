//! How criterion measures here.

use std::path::Path;
use std::time::Duration;

use criterion::Criterion;

/// Short measurements, so that all of them take a few minutes together. The results lie in this
/// build's own target folder, wherever that is.
pub fn criterion() -> Criterion {
    let criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(1))
        .sample_size(30)
        // More of them would take longer than the measurement, and thirty samples tell no more.
        .nresamples(10_000);
    if std::env::var_os("CRITERION_HOME").is_some() {
        return criterion;
    }
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
    let target = target.expect("cargo's folder for temporary files is in the target folder");
    criterion.output_directory(&target.join("criterion"))
}
