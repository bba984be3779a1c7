use std::fmt;

use half::{bf16, f16};
use kpack_exec::TensorView;
use kpack_schema::{BLOCK_ELEMENTS, DataType, Tolerance, ToleranceMode};

/// An element of a tensor: its value, and the bits that hold it.
///
/// Every data type's values are exact in `f64`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Number {
    value: f64,
    bits: u32,
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
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("element {index} must be {} within {allowed:e}: `{}`", Shown(*.expected), Shown(*.found))]
pub struct Mismatch {
    /// The element, counted in row-major order.
    pub index: usize,
    /// Its value.
    pub found: f64,
    /// The value that it must be.
    pub expected: f64,
    /// How far it may be off.
    pub allowed: f64,
}

/// A tolerance as it applies to the elements of one row: those along the last axis.
#[derive(Debug, Clone)]
pub struct RowTolerance {
    tolerance: Tolerance,
    /// The largest finite magnitude that is expected in the row.
    largest: f64,
}

/// Holds a tensor against what it must be, row by row along the last axis.
///
/// `q4` and `q8` are compared by the values that their blocks stand for or, where the tolerance is
/// exact, byte by byte.
///
/// # Errors
///
/// The first element that is off.
///
/// # Panics
///
/// If the tensors differ in data type or shape.
pub fn compare(
    found: TensorView<'_>,
    expected: TensorView<'_>,
    tolerance: &Tolerance,
) -> Result<Deviation, Mismatch> {
    assert_eq!(found.dtype(), expected.dtype(), "one data type");
    assert_eq!(found.shape(), expected.shape(), "one shape");
    let (found, rows) = (numbers(found, tolerance.mode), found.shape());
    let expected = numbers(expected, tolerance.mode);
    let row_len = rows.last().copied().unwrap_or(1).max(1);
    let mut worst = Deviation::default();
    let rows = found.chunks(row_len).zip(expected.chunks(row_len));
    for (row, (found, expected)) in rows.enumerate() {
        let judge = RowTolerance::new(tolerance, expected.iter().copied());
        for (column, (&found, &expected)) in found.iter().zip(expected).enumerate() {
            worst = worst.max(judge.judge(row * row_len + column, found, expected)?);
        }
    }
    Ok(worst)
}

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

impl RowTolerance {
    /// The tolerance for a row of which these values are expected.
    #[must_use]
    pub fn new(tolerance: &Tolerance, expected: impl IntoIterator<Item = Number>) -> Self {
        let magnitudes = expected.into_iter().map(|number| number.value.abs());
        let finite = magnitudes.filter(|magnitude| magnitude.is_finite());
        Self {
            tolerance: tolerance.clone(),
            largest: finite.fold(0.0, f64::max),
        }
    }

    /// Holds one element against what is expected; `index` is only for the error.
    ///
    /// NaN and infinities must stand where they are expected.
    ///
    /// # Errors
    ///
    /// When it is off.
    pub fn judge(
        &self,
        index: usize,
        found: Number,
        expected: Number,
    ) -> Result<Deviation, Mismatch> {
        let Tolerance { mode, rtol, atol } = self.tolerance;
        let magnitude = match mode {
            ToleranceMode::Rowmax => self.largest,
            _ => expected.value.abs(),
        };
        let allowed = match mode {
            ToleranceMode::Exact => 0.0,
            _ => atol + rtol * magnitude,
        };
        let is_same = match mode {
            ToleranceMode::Exact => Some(found.bits == expected.bits),
            _ if expected.value.is_nan() => Some(found.value.is_nan()),
            _ if expected.value.is_infinite() => Some(found.value == expected.value),
            _ => None,
        };
        let difference = (found.value - expected.value).abs();
        match is_same {
            Some(true) => Ok(Deviation::default()),
            // A NaN and an infinity are off by more than any tolerance, even one that overflows.
            None if found.value.is_finite() && difference <= allowed => {
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
                found: found.value,
                expected: expected.value,
                allowed,
            }),
        }
    }
}

impl From<f32> for Number {
    fn from(value: f32) -> Self {
        Self {
            value: value.into(),
            bits: value.to_bits(),
        }
    }
}

impl From<u8> for Number {
    fn from(value: u8) -> Self {
        Self {
            value: value.into(),
            bits: value.into(),
        }
    }
}

/// The elements of a tensor; of blocks the values that they stand for, or for an exact comparison
/// their bytes.
fn numbers(tensor: TensorView<'_>, mode: ToleranceMode) -> Vec<Number> {
    let bytes = tensor.bytes();
    match (tensor.dtype(), mode) {
        (DataType::F32, _) => each(bytes, |bytes| f32::from_le_bytes(bytes).into()),
        (DataType::F16, _) => each(bytes, |bytes| Number {
            value: f16::from_le_bytes(bytes).to_f64(),
            bits: u16::from_le_bytes(bytes).into(),
        }),
        (DataType::Bf16, _) => each(bytes, |bytes| Number {
            value: bf16::from_le_bytes(bytes).to_f64(),
            bits: u16::from_le_bytes(bytes).into(),
        }),
        (DataType::I32, _) => each(bytes, |bytes| Number {
            value: i32::from_le_bytes(bytes).into(),
            bits: u32::from_le_bytes(bytes),
        }),
        (DataType::I8, _) => each(bytes, |bytes: [u8; 1]| Number {
            value: i8::from_le_bytes(bytes).into(),
            bits: u8::from_le_bytes(bytes).into(),
        }),
        (DataType::U8, _) | (DataType::Q4 | DataType::Q8, ToleranceMode::Exact) => {
            each(bytes, |[byte]| byte.into())
        }
        (DataType::Q8, _) => bytes.chunks_exact(34).flat_map(q8_block).collect(),
        (DataType::Q4, _) => bytes.chunks_exact(18).flat_map(q4_block).collect(),
    }
}

fn each<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> Number) -> Vec<Number> {
    let (elements, _) = bytes.as_chunks::<N>();
    elements.iter().map(|&bytes| number(bytes)).collect()
}

/// ggml's Q8_0: a binary16 scale, then 32 signed bytes.
fn q8_block(block: &[u8]) -> impl Iterator<Item = Number> {
    let scale = f16::from_le_bytes([block[0], block[1]]).to_f32();
    block[2..]
        .iter()
        .map(move |&byte| (scale * f32::from(byte.cast_signed())).into())
}

/// ggml's Q4_0: a binary16 scale, then 16 bytes whose low halves are the first 16 elements, each 8 too
/// high.
fn q4_block(block: &[u8]) -> [Number; BLOCK_ELEMENTS] {
    let scale = f16::from_le_bytes([block[0], block[1]]).to_f32();
    std::array::from_fn(|index| {
        let byte = block[2 + index % 16];
        let nibble = if index < 16 { byte & 0x0f } else { byte >> 4 };
        (scale * (f32::from(nibble) - 8.0)).into()
    })
}

/// A value with as few digits as its type has, where that is `f32` or narrower.
struct Shown(f64);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "compared with the value below"
        )]
        let narrow = self.0 as f32;
        if f64::from(narrow) == self.0 || self.0.is_nan() {
            write!(f, "{narrow:?}")
        } else {
            write!(f, "{:?}", self.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use kpack_exec::Tensor;

    use super::*;

    fn tolerance(mode: ToleranceMode, rtol: f64) -> Tolerance {
        Tolerance {
            mode,
            rtol,
            atol: 0.0,
        }
    }

    fn compared(found: &[f32], expected: &[f32], tolerance: &Tolerance) -> bool {
        let tensor = |values: &[f32]| Tensor::new(&[values.len()], values.to_vec()).unwrap();
        compare(tensor(found).view(), tensor(expected).view(), tolerance).is_ok()
    }

    #[test]
    fn a_difference_is_judged_by_element_or_by_row() {
        let elementwise = tolerance(ToleranceMode::Elementwise, 1e-3);
        let expected = [1.0, 100.0];
        assert!(compared(&[1.0005, 100.05], &expected, &elementwise));
        assert!(!compared(&[1.01, 100.0], &expected, &elementwise));
        let rowmax = tolerance(ToleranceMode::Rowmax, 1e-3);
        assert!(compared(&[1.01, 100.0], &expected, &rowmax));
        assert!(!compared(&[1.2, 100.0], &expected, &rowmax));
    }

    #[test]
    fn each_row_has_its_own_largest_value() {
        let rowmax = tolerance(ToleranceMode::Rowmax, 1e-3);
        let tensor = |values: [f32; 4]| Tensor::new(&[2, 2], values.to_vec()).unwrap();
        let expected = tensor([1.0, 100.0, 1.0, 1.0]);
        let near = tensor([1.05, 100.0, 1.0, 1.0]);
        assert!(compare(near.view(), expected.view(), &rowmax).is_ok());
        let far = tensor([1.0, 100.0, 1.0, 1.05]);
        let mismatch = compare(far.view(), expected.view(), &rowmax).unwrap_err();
        assert_eq!(mismatch.index, 3);
        assert_eq!(
            mismatch.to_string(),
            "element 3 must be 1.0 within 1e-3: `1.05`"
        );
    }

    #[test]
    fn nan_and_infinity_must_stand_where_they_are_expected() {
        let rowmax = tolerance(ToleranceMode::Rowmax, 1e-3);
        let (nan, inf) = (f32::NAN, f32::INFINITY);
        let expected = [nan, inf, 1.0];
        assert!(compared(&[nan, inf, 1.0], &expected, &rowmax));
        assert!(!compared(&[1.0, inf, 1.0], &expected, &rowmax));
        assert!(!compared(&[nan, -inf, 1.0], &expected, &rowmax));
        assert!(!compared(&[nan, inf, nan], &expected, &rowmax));
        assert!(!compared(&[nan, inf, inf], &expected, &rowmax));
        let overflows = tolerance(ToleranceMode::Elementwise, f64::MAX);
        assert!(compared(&[-9.0], &[100.0], &overflows));
        for found in [nan, inf, -inf] {
            assert!(!compared(&[found], &[100.0], &overflows), "{found}");
        }
    }

    #[test]
    fn exact_is_by_bits() {
        let exact = tolerance(ToleranceMode::Exact, 0.0);
        assert!(compared(&[f32::NAN], &[f32::NAN], &exact));
        assert!(!compared(&[0.0], &[-0.0], &exact));
    }

    #[test]
    fn blocks_are_compared_by_what_they_stand_for() {
        // Twice the scale and half the quants are the same values in other bytes.
        let q8 = |scale: f32, quant: i8| {
            let mut block = f16::from_f32(scale).to_le_bytes().to_vec();
            block.extend([quant.cast_unsigned(); 32]);
            Tensor::from_bytes(DataType::Q8, &[32], &block).unwrap()
        };
        let close = tolerance(ToleranceMode::Elementwise, 1e-6);
        let (one, other) = (q8(0.5, -8), q8(1.0, -4));
        assert!(compare(one.view(), other.view(), &close).is_ok());
        let exact = tolerance(ToleranceMode::Exact, 0.0);
        assert!(compare(one.view(), other.view(), &exact).is_err());
        let mismatch = compare(one.view(), q8(1.0, 4).view(), &close).unwrap_err();
        assert_eq!((mismatch.found, mismatch.expected), (-4.0, 4.0));

        let q4 = |first: u8| {
            let mut block = f16::from_f32(2.0).to_le_bytes().to_vec();
            block.extend([0x88; 16]);
            block[2] = first;
            Tensor::from_bytes(DataType::Q4, &[32], &block).unwrap()
        };
        let mismatch = compare(q4(0x98).view(), q4(0x88).view(), &close).unwrap_err();
        assert_eq!((mismatch.index, mismatch.found), (16, 2.0));
    }

    #[test]
    fn every_type_has_its_values() {
        let close = tolerance(ToleranceMode::Elementwise, 0.0);
        let differs = |one: Tensor, other: Tensor| {
            let mismatch = compare(one.view(), other.view(), &close).unwrap_err();
            (mismatch.found, mismatch.expected)
        };
        let i32s = |value: i32| Tensor::new(&[1], vec![value]).unwrap();
        assert_eq!(differs(i32s(i32::MIN), i32s(1)), (-2_147_483_648.0, 1.0));
        let i8s = |value: i8| Tensor::new(&[1], vec![value]).unwrap();
        assert_eq!(differs(i8s(-128), i8s(127)), (-128.0, 127.0));
        let u8s = |value: u8| Tensor::new(&[1], vec![value]).unwrap();
        assert_eq!(differs(u8s(255), u8s(0)), (255.0, 0.0));
        let f16s = |value: f32| Tensor::new(&[1], vec![f16::from_f32(value)]).unwrap();
        assert_eq!(differs(f16s(-1.5), f16s(1.0)), (-1.5, 1.0));
        let bf16s = |value: f32| Tensor::new(&[1], vec![bf16::from_f32(value)]).unwrap();
        assert_eq!(differs(bf16s(-1.5), bf16s(1.0)), (-1.5, 1.0));
    }
}
