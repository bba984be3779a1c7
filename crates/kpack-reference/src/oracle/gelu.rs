use core::f64::consts::{FRAC_1_SQRT_2, FRAC_2_PI};

use crate::GeluForm;

/// The Gaussian error linear unit, element by element: `x` times the share of the normal
/// distribution that lies below `x`, or an approximation of it.
///
/// Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016. Both forms are written so that they
/// keep their digits where that share is small: `1 + erf(z)` as `erfc(-z)`, and `(1 + tanh(u)) / 2` as
/// `1 / (1 + exp(-2 u))`. At minus infinity they give NaN, as the formulas do in floating point.
#[must_use]
pub fn gelu(x: &[f32], form: GeluForm) -> Vec<f64> {
    let share_below = |x: f64| match form {
        GeluForm::Erf => libm::erfc(-x * FRAC_1_SQRT_2) / 2.0,
        GeluForm::Tanh => {
            let u = FRAC_2_PI.sqrt() * (x + 0.044_715 * x.powi(3));
            1.0 / (1.0 + (-2.0 * u).exp())
        }
    };
    x.iter()
        .map(|&x| f64::from(x) * share_below(f64::from(x)))
        .collect()
}
