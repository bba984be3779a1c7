//! The vectors that the reference pack ships, on every engine and with each of a kernel's modules.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use kpack::{Feature, FeatureSet, reference_pack};
use kpack_conformance::runtimes_offering;

/// Kernels that ship no vector yet: each should be a line of `xtask/src/vectors/table.rs`.
const WITHOUT_VECTORS: [&str; 0] = [];

#[test]
fn every_kernel_gives_what_its_vectors_promise() {
    let (simd, relaxed) = (Feature::Simd, Feature::RelaxedSimd);
    let offers: [&[Feature]; 3] = [&[], &[simd], &[simd, relaxed]];
    for offered in offers {
        let features: FeatureSet = offered.iter().copied().collect();
        for runtime in runtimes_offering(features).unwrap() {
            let pack = reference_pack::load(&runtime).unwrap();
            let report = pack.check_health();
            let failures: Vec<String> = report
                .vectors()
                .filter_map(|(kernel, vector)| {
                    let error = vector.result.as_ref().err()?;
                    Some(format!("{kernel}, {}: {error:?}", vector.path))
                })
                .collect();
            assert!(failures.is_empty(), "{}: {failures:#?}", pack.engine());
            let untested: Vec<&str> = report.untested().map(|id| id.as_str()).collect();
            assert_eq!(untested, WITHOUT_VECTORS);
            assert!(report.vectors().count() >= 10);
        }
    }
}
