//! Every golden case, on every engine and on the native loops.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use kpack::{Feature, FeatureSet};
use kpack_conformance::{
    CallerHarness, Harness, NativeHarness, PackHarness, cases, runtimes_offering,
};

/// What the set holds; a case that is lost on the way must not go unnoticed.
const CASES: [(&str, usize); 18] = [
    ("attention_f32", 8),
    ("gelu_f32", 2),
    ("kv_pack_q4", 2),
    ("kv_pack_q8", 2),
    ("layernorm_f16", 1),
    ("layernorm_f32", 1),
    ("lora_apply_f32", 1),
    ("rmsnorm_bf16", 2),
    ("rmsnorm_f16", 1),
    ("rmsnorm_f32", 17),
    ("rope_bf16", 1),
    ("rope_f16", 2),
    ("rope_f32", 13),
    ("softmax_f32", 2),
    ("swiglu_bf16", 1),
    ("swiglu_f16", 1),
    ("swiglu_f32", 9),
    ("total", 66),
];

fn assert_all_pass(who: &str, harness: &mut dyn Harness, kernels: impl Fn(&str) -> bool) {
    let mut failures = Vec::new();
    for case in cases().unwrap() {
        if !case.kernels().into_iter().all(&kernels) {
            continue;
        }
        if let Err(failure) = case.run(harness) {
            failures.push(format!(
                "{}: {failure}: {}",
                case.name,
                std::error::Error::source(&failure).unwrap()
            ));
        }
    }
    assert!(failures.is_empty(), "{who}:\n{}", failures.join("\n"));
}

#[test]
fn the_set_is_whole() {
    let cases = cases().unwrap();
    for (kernel, count) in CASES {
        let of_kernel = cases
            .iter()
            .filter(|case| kernel == "total" || case.kernels()[0] == kernel);
        assert_eq!(of_kernel.count(), count, "{kernel}");
    }
}

/// The features that an engine may offer, each with the variant that then runs on it.
const OFFERS: [(&[Feature], &str); 3] = [
    (&[Feature::RelaxedSimd], "relaxed-simd"),
    (&[Feature::Simd], "simd"),
    (&[], "baseline"),
];

#[test]
fn every_engine_passes_every_case_with_every_variant() {
    for (features, variant) in OFFERS {
        let features = features.iter().copied().collect();
        for runtime in runtimes_offering(features).unwrap() {
            let pack = kpack::reference_pack::load(&runtime).unwrap();
            let swiglu = pack.kernel("swiglu_f32").unwrap();
            assert_eq!(
                swiglu.features(),
                runtime.backend().offers().intersection(features)
            );
            let in_pack = |kernel: &str| pack.kernel(kernel).is_ok();
            let who = format!("{} with {variant}", runtime.backend().name());
            assert_all_pass(&who, &mut PackHarness::new(&pack), in_pack);
        }
    }
}

#[test]
fn every_engine_passes_every_case_cut_as_small_as_can_be() {
    for runtime in runtimes_offering(FeatureSet::ALL).unwrap() {
        let pack = kpack::reference_pack::load(&runtime).unwrap();
        let in_pack = |kernel: &str| pack.kernel(kernel).is_ok();
        let who = format!("{} in tiles", runtime.backend().name());
        assert_all_pass(&who, &mut CallerHarness::new(&pack), in_pack);
    }
}

#[test]
fn the_native_loops_pass_every_case() {
    assert_all_pass("native", &mut NativeHarness, |_| true);
}
