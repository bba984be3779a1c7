#![allow(dead_code, reason = "each test program uses some of it")]

use proptest::collection::vec;
use proptest::prelude::*;

/// Ordinary activations, with zeros and small magnitudes among them.
pub(crate) fn value() -> impl Strategy<Value = f32> {
    prop_oneof![8 => -8.0_f32..8.0, 1 => Just(0.0), 1 => -1e-3_f32..1e-3]
}

pub(crate) fn tensor(length: usize) -> impl Strategy<Value = Vec<f32>> {
    vec(value(), length)
}

/// exp overflows `f32` for gates below -88.7, where the true product is still a little above 0.
const FLOOR: f64 = 3e-36;

/// |got - exact| <= tolerance * scale, where scale is the largest magnitude of the row.
pub(crate) fn assert_close(got: &[f32], exact: &[f64], row: usize, tolerance: f64) {
    assert_eq!(got.len(), exact.len());
    for (got, exact) in got.chunks(row).zip(exact.chunks(row)) {
        let scale = exact
            .iter()
            .fold(0.0_f64, |scale, value| scale.max(value.abs()));
        for (&got, &exact) in got.iter().zip(exact) {
            let error = (f64::from(got) - exact).abs();
            assert!(error <= tolerance * scale + FLOOR, "{got} against {exact}");
        }
    }
}
