use half::{bf16, f16};
use kpack::{DataType, Deviation, Element, Mismatch, Number, RowTolerance, Tensor};
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
            let numbers = expected.iter().map(|&expected| Number::from(expected));
            let judge = RowTolerance::new(&self.tolerance, numbers);
            for (column, (&found, &expected)) in found.iter().zip(expected).enumerate() {
                let index = row * row_len + column;
                worst = worst.max(self.compare_element(&judge, index, found, expected)?);
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
        judge: &RowTolerance,
        index: usize,
        found: f32,
        expected: f32,
    ) -> Result<Deviation, Mismatch> {
        if self.nan_or_zero.contains(&index) && (found.is_nan() || found == 0.0) {
            return Ok(Deviation::default());
        }
        let judged = judge.judge(index, found.into(), expected.into());
        match &self.alternative {
            Some(alternative) if judged.is_err() => {
                judge.judge(index, found.into(), alternative[index].into())
            }
            _ => judged,
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
    fn an_alternative_and_an_exception_are_taken() {
        let mut expected = expectation(&[1.0, f32::NAN], ToleranceMode::Elementwise);
        expected.alternative = Some(vec![0.0, f32::NAN]);
        expected.nan_or_zero = vec![1];
        assert!(compare(&expected, &[0.0, -0.0]).is_ok());
        assert!(compare(&expected, &[0.5, -0.0]).is_err());
        assert!(compare(&expected, &[1.0, 1.0]).is_err());
    }
}
