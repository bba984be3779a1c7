use std::fmt;

use half::{bf16, f16};
use kpack::{DataType, Element, Tensor};
use kpack_schema::{Tolerance, ToleranceMode};

use crate::Failure;

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

    /// These values, bit by bit.
    #[must_use]
    pub fn exact(values: Vec<f32>) -> Self {
        let tolerance = Tolerance {
            mode: ToleranceMode::Exact,
            rtol: 0.0,
            atol: 0.0,
        };
        Self::new(values, tolerance)
    }

    /// Holds a result against the expectation, row by row along the last axis. Elements of every
    /// type are compared as `f32`, which has each of them; blocks are compared byte by byte.
    ///
    /// # Errors
    ///
    /// The first element that is off.
    ///
    /// # Panics
    ///
    /// If the result does not have as many elements as expected.
    pub fn compare(&self, found: &Tensor) -> Result<Deviation, Mismatch> {
        let rows: usize = found.shape().iter().rev().skip(1).product();
        let found = widened(found);
        assert_eq!(found.len(), self.values.len(), "the shapes of a case agree");
        let row_len = (found.len() / rows.max(1)).max(1);
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

    /// [`compare`](Self::compare) as a step of a case.
    pub(crate) fn judge(
        &self,
        found: &Tensor,
        what: impl FnOnce() -> String,
    ) -> Result<Deviation, Failure> {
        self.compare(found).map_err(|source| Failure::Result {
            what: what(),
            source,
        })
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
        let judged = self.judge_element(index, found, expected, row_largest);
        match &self.alternative {
            Some(alternative) if judged.is_err() => {
                self.judge_element(index, found, alternative[index], row_largest)
            }
            _ => judged,
        }
    }

    fn judge_element(
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

/// The elements, or the bytes of blocks, as `f32`: exact for every type but `i32`, whose large
/// values no kernel gives.
///
/// # Panics
///
/// For an `i32` beyond the range of `i16`.
#[must_use]
pub fn widened(tensor: &Tensor) -> Vec<f32> {
    fn each<T: Element>(tensor: &Tensor, widen: impl Fn(T) -> f32) -> Vec<f32> {
        let elements = tensor.as_slice::<T>().expect("the type was asked for");
        elements.iter().map(|&element| widen(element)).collect()
    }
    match tensor.dtype() {
        DataType::F32 => each(tensor, |value: f32| value),
        DataType::F16 => each(tensor, f16::to_f32),
        DataType::Bf16 => each(tensor, bf16::to_f32),
        DataType::I8 => each(tensor, |value: i8| f32::from(value)),
        DataType::U8 | DataType::Q8 | DataType::Q4 => each(tensor, |value: u8| f32::from(value)),
        DataType::I32 => each(tensor, |value: i32| {
            let exact = i16::try_from(value).expect("a small number");
            f32::from(exact)
        }),
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
