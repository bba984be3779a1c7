#![allow(dead_code, reason = "each test program uses some of it")]

use std::sync::OnceLock;

use kpack::{Feature, Pack, Tensor};
use kpack_conformance::{Call, Harness, PackHarness, runtimes_offering, widened};
use kpack_reference::Element;

/// The reference pack on every engine with every variant, each with its name.
pub(crate) fn everywhere() -> &'static [(String, Pack)] {
    static PACKS: OnceLock<Vec<(String, Pack)>> = OnceLock::new();
    PACKS.get_or_init(|| {
        let offers: [&[Feature]; 3] = [&[Feature::RelaxedSimd], &[Feature::Simd], &[]];
        let mut packs = Vec::new();
        for features in offers {
            for runtime in runtimes_offering(features.iter().copied().collect()).unwrap() {
                let who = format!("{} offering {features:?}", runtime.backend().name());
                packs.push((who, kpack::reference_pack::load(&runtime).unwrap()));
            }
        }
        packs
    })
}

/// What a result must be, exactly, and how far it may be off.
pub(crate) struct Exact {
    values: Vec<f64>,
    /// Of each element, what `relative` is relative to.
    magnitudes: Vec<f64>,
    relative: f64,
    absolute: f64,
}

/// How far the nearest element may be from a number.
#[derive(Clone, Copy)]
pub(crate) enum Rounding {
    None,
    F16,
    Bf16,
}

impl Exact {
    pub(crate) fn by_element(values: Vec<f64>, relative: f64) -> Self {
        Self {
            magnitudes: values.iter().map(|value| value.abs()).collect(),
            values,
            relative,
            absolute: 1e-45,
        }
    }

    /// Relative to the largest of each row of `width` elements.
    pub(crate) fn by_row(values: Vec<f64>, width: usize, relative: f64) -> Self {
        let largest = |row: &[f64]| row.iter().fold(0.0_f64, |max, x| max.max(x.abs()));
        let rows = values.chunks(width);
        let magnitudes = rows.flat_map(|row| std::iter::repeat_n(largest(row), row.len()));
        Self {
            magnitudes: magnitudes.collect(),
            values,
            relative,
            absolute: 1e-45,
        }
    }

    pub(crate) fn and_absolute(mut self, absolute: f64) -> Self {
        self.absolute += absolute;
        self
    }

    /// The result is rounded to a narrower type once more: by half of its last place.
    pub(crate) fn rounded(mut self, rounding: Rounding) -> Self {
        let (relative, absolute) = match rounding {
            Rounding::None => (0.0, 0.0),
            Rounding::F16 => (2.0_f64.powi(-11), 2.0_f64.powi(-25)),
            Rounding::Bf16 => (2.0_f64.powi(-8), 2.0_f64.powi(-134)),
        };
        for (magnitude, value) in self.magnitudes.iter_mut().zip(&self.values) {
            // One tolerance for both: what the type rounds is relative to the value itself.
            *magnitude = *magnitude * self.relative + value.abs() * relative;
        }
        self.relative = 1.0 + 1e-6;
        self.absolute += absolute;
        self
    }

    fn assert_holds(&self, found: &[f32], what: &str) {
        assert_eq!(found.len(), self.values.len(), "{what}");
        for (i, (&found, &exact)) in found.iter().zip(&self.values).enumerate() {
            let allowed = self.relative * self.magnitudes[i] + self.absolute;
            let is_right = if exact.is_nan() {
                found.is_nan()
            } else if exact.is_infinite() {
                f64::from(found) == exact
            } else {
                (f64::from(found) - exact).abs() <= allowed
            };
            assert!(
                is_right,
                "{what}, element {i}: {found:e} against {exact:e} within {allowed:e}"
            );
        }
    }
}

/// Holds a call's outputs on every engine and with every variant against what they must be.
pub(crate) fn assert_everywhere(call: &Call, expected: &[(&str, Exact)]) {
    for (who, pack) in everywhere() {
        let results = PackHarness::new(pack).call(call).unwrap();
        for (name, exact) in expected {
            let (_, found) = results.iter().find(|(output, _)| output == name).unwrap();
            exact.assert_holds(
                &widened(found),
                &format!("{name} of {} by {who}", call.kernel),
            );
        }
    }
}

pub(crate) fn tensor(shape: &[usize], values: &[f32]) -> Tensor {
    Tensor::new(shape, values.to_vec()).unwrap()
}

/// The nearest elements.
pub(crate) fn narrow<T: Element>(values: &[f32]) -> Vec<T> {
    values.iter().map(|&value| T::round(value)).collect()
}
