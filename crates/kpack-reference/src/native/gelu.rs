use core::f32::consts::{FRAC_1_SQRT_2, FRAC_2_PI};

use crate::GeluForm;

/// The Gaussian error linear unit, element by element, as [`oracle::gelu`](crate::oracle::gelu) has
/// it.
///
/// # Panics
///
/// If `y` differs from `x` in length.
pub fn gelu(x: &[f32], form: GeluForm, y: &mut [f32]) {
    assert_eq!(x.len(), y.len(), "y must have the shape of x");
    let pairs = y.iter_mut().zip(x);
    match form {
        GeluForm::Erf => pairs.for_each(|(y, &x)| *y = x * libm::erfcf(-x * FRAC_1_SQRT_2) * 0.5),
        GeluForm::Tanh => pairs.for_each(|(y, &x)| {
            let u = FRAC_2_PI.sqrt() * (x + 0.044_715 * x * x * x);
            *y = x / (1.0 + (-2.0 * u).exp());
        }),
    }
}
