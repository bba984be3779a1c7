use std::fmt;

use kpack::Tensor;
use kpack_schema::{Tolerance, ToleranceMode};

/// What a result must be.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// The expected values.
    pub values: Vec<f32>,
    /// Values that are right too, where the case says that a framework differs.
    pub alternative: Option<Vec<f32>>,
    /// Elements that may be NaN or a zero: silu of minus infinity.
    pub nan_or_zero: Vec<usize>,
    /// How far a finite value may be off.
    pub tolerance: Tolerance,
}

/// How far a result was off.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Deviation {
    /// The largest absolute difference of two finite values, as a share of what is tolerated there.
    pub of_tolerance: f64,
    /// The largest difference relative to the magnitude that the tolerance is relative to: the
    /// expected value itself, or the largest value of its row. Where that is so small that the
    /// tolerance's absolute part outweighs the relative one, it does not count.
    pub relative: f64,
}

/// An element that is not what was expected.
#[derive(Debug, Clone, PartialEq)]
pub struct Mismatch {
    index: usize,
    found: f32,
    expected: f32,
    allowed: f64,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            index,
            found,
            expected,
            allowed,
        } = self;
        write!(
            f,
            "element {index} must be {expected:?} within {allowed:e}: `{found:?}`"
        )
    }
}

impl std::error::Error for Mismatch {}

impl Deviation {
    fn of(difference: f64, allowed: f64, relative_to: f64) -> Self {
        if difference == 0.0 {
            return Self::default();
        }
        Self {
            of_tolerance: difference / allowed,
            relative: difference / relative_to,
        }
    }

    /// The larger of each of the two measures.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            of_tolerance: self.of_tolerance.max(other.of_tolerance),
            relative: self.relative.max(other.relative),
        }
    }
}

impl Expectation {
    /// An expectation without alternatives.
    #[must_use]
    pub fn new(values: Vec<f32>, tolerance: Tolerance) -> Self {
        Self {
            values,
            alternative: None,
            nan_or_zero: Vec::new(),
            tolerance,
        }
    }

    /// Holds a result against the expectation, row by row along the last axis.
    ///
    /// # Errors
    ///
    /// The first element that is off.
    ///
    /// # Panics
    ///
    /// If the result is no f32 tensor with as many elements as expected.
    pub fn compare(&self, found: &Tensor) -> Result<Deviation, Mismatch> {
        let row_len = found.shape().last().copied().unwrap_or(1);
        let found = found
            .as_slice::<f32>()
            .expect("the reference kernels give f32");
        assert_eq!(found.len(), self.values.len(), "the shapes of a case agree");
        let mut worst = Deviation::default();
        for (row, (found, expected)) in found
            .chunks(row_len)
            .zip(self.values.chunks(row_len))
            .enumerate()
        {
            let largest = largest_finite(expected);
            for (column, (&found, &expected)) in found.iter().zip(expected).enumerate() {
                let index = row * row_len + column;
                worst = worst.max(self.compare_element(index, found, expected, largest)?);
            }
        }
        Ok(worst)
    }

    fn compare_element(
        &self,
        index: usize,
        found: f32,
        expected: f32,
        row_largest: f64,
    ) -> Result<Deviation, Mismatch> {
        if self.nan_or_zero.contains(&index) && (found.is_nan() || found == 0.0) {
            return Ok(Deviation::default());
        }
        let judged = self.judge(index, found, expected, row_largest);
        match &self.alternative {
            Some(alternative) if judged.is_err() => {
                self.judge(index, found, alternative[index], row_largest)
            }
            _ => judged,
        }
    }

    fn judge(
        &self,
        index: usize,
        found: f32,
        expected: f32,
        row_largest: f64,
    ) -> Result<Deviation, Mismatch> {
        let Tolerance { mode, rtol, atol } = self.tolerance;
        let magnitude = match mode {
            ToleranceMode::Rowmax => row_largest,
            _ => f64::from(expected).abs(),
        };
        let allowed = match mode {
            ToleranceMode::Exact => 0.0,
            _ => atol + rtol * magnitude,
        };
        let is_same = match mode {
            ToleranceMode::Exact => Some(found.to_bits() == expected.to_bits()),
            _ if expected.is_nan() => Some(found.is_nan()),
            _ if expected.is_infinite() => Some(found == expected),
            _ => None,
        };
        let difference = (f64::from(found) - f64::from(expected)).abs();
        match is_same {
            Some(true) => Ok(Deviation::default()),
            // A NaN or an infinity fails this comparison too.
            None if difference <= allowed => {
                // Among denormal numbers only the absolute part of the tolerance says anything.
                let is_relative = rtol * magnitude >= atol;
                let relative_to = if is_relative {
                    magnitude
                } else {
                    f64::INFINITY
                };
                Ok(Deviation::of(difference, allowed, relative_to))
            }
            _ => Err(Mismatch {
                index,
                found,
                expected,
                allowed,
            }),
        }
    }
}

fn largest_finite(row: &[f32]) -> f64 {
    let finite = row.iter().filter(|value| value.is_finite());
    finite.fold(0.0, |largest, &value| largest.max(f64::from(value).abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expectation(values: &[f32], mode: ToleranceMode) -> Expectation {
        Expectation::new(
            values.to_vec(),
            Tolerance {
                mode,
                rtol: 1e-3,
                atol: 0.0,
            },
        )
    }

    fn compare(expectation: &Expectation, found: &[f32]) -> Result<Deviation, Mismatch> {
        expectation.compare(&Tensor::new(&[found.len()], found.to_vec()).unwrap())
    }

    #[test]
    fn a_difference_is_judged_by_element_or_by_row() {
        let elementwise = expectation(&[1.0, 100.0], ToleranceMode::Elementwise);
        assert!(compare(&elementwise, &[1.0005, 100.05]).is_ok());
        assert!(compare(&elementwise, &[1.01, 100.0]).is_err());
        let rowmax = expectation(&[1.0, 100.0], ToleranceMode::Rowmax);
        assert!(compare(&rowmax, &[1.01, 100.0]).is_ok());
        assert!(compare(&rowmax, &[1.2, 100.0]).is_err());
    }

    #[test]
    fn nan_and_infinity_must_stand_where_they_are_expected() {
        let expected = expectation(&[f32::NAN, f32::INFINITY, 1.0], ToleranceMode::Rowmax);
        assert!(compare(&expected, &[f32::NAN, f32::INFINITY, 1.0]).is_ok());
        assert!(compare(&expected, &[1.0, f32::INFINITY, 1.0]).is_err());
        assert!(compare(&expected, &[f32::NAN, f32::NEG_INFINITY, 1.0]).is_err());
        assert!(compare(&expected, &[f32::NAN, f32::INFINITY, f32::NAN]).is_err());
        assert!(compare(&expected, &[f32::NAN, f32::INFINITY, f32::INFINITY]).is_err());
    }

    #[test]
    fn an_alternative_and_an_exception_are_taken() {
        let mut expected = expectation(&[1.0, f32::NAN], ToleranceMode::Elementwise);
        expected.alternative = Some(vec![0.0, f32::NAN]);
        expected.nan_or_zero = vec![1];
        assert!(compare(&expected, &[0.0, -0.0]).is_ok());
        assert!(compare(&expected, &[0.5, -0.0]).is_err());
        assert!(compare(&expected, &[1.0, 1.0]).is_err());
    }
}
