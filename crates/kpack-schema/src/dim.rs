use std::fmt;
use std::str::FromStr;

use crate::{Identifier, ShapeDim};

/// The largest size of a dimension, fixed or computed.
pub const MAX_DIMENSION: u64 = 1 << 31;

/// One dimension of a checked shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dim {
    /// A fixed number of elements, 1 to [`MAX_DIMENSION`].
    Fixed(u32),
    /// A bare symbol, which an input or a parameter binds.
    Symbol(Identifier),
    /// A symbol times a constant, such as `cols*2`.
    Times(Identifier, u32),
    /// A symbol divided by a constant without remainder, such as `dim/2`.
    Over(Identifier, u32),
}

/// Why a manifest's text or number is not a [`Dim`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a dimension must be a number from 1 to 2^31 or a symbol with at most one *int or /int: `{found}`"
)]
pub struct DimError {
    found: String,
}

/// Why a dimension has no size under the symbols' values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DimValueError {
    /// A division that leaves a remainder.
    #[error("{dim} does not divide without remainder: `{value}`")]
    Inexact {
        /// The expression.
        dim: String,
        /// The symbol's value.
        value: u64,
    },
    /// Zero, or more than [`MAX_DIMENSION`].
    #[error("{dim} must have 1 to 2^31 elements: `{value}`")]
    OutOfRange {
        /// The expression.
        dim: String,
        /// The computed size.
        value: u64,
    },
}

impl Dim {
    /// The symbol that the dimension names, if any.
    #[must_use]
    pub fn symbol(&self) -> Option<&Identifier> {
        match self {
            Self::Fixed(_) => None,
            Self::Symbol(symbol) | Self::Times(symbol, _) | Self::Over(symbol, _) => Some(symbol),
        }
    }

    /// The symbol, if the dimension is a bare one.
    #[must_use]
    pub fn bare_symbol(&self) -> Option<&Identifier> {
        match self {
            Self::Symbol(symbol) => Some(symbol),
            _ => None,
        }
    }

    /// The number of elements when the dimension's symbol has this value; a fixed dimension ignores
    /// it.
    ///
    /// # Errors
    ///
    /// A division with a remainder, or a size outside 1 to [`MAX_DIMENSION`].
    pub fn size(&self, symbol_value: u32) -> Result<u32, DimValueError> {
        let value = u64::from(symbol_value);
        let size = match self {
            Self::Fixed(size) => u64::from(*size),
            Self::Symbol(_) => value,
            Self::Times(_, factor) => value * u64::from(*factor),
            Self::Over(_, divisor) => {
                if !symbol_value.is_multiple_of(*divisor) {
                    return Err(DimValueError::Inexact {
                        dim: self.to_string(),
                        value,
                    });
                }
                value / u64::from(*divisor)
            }
        };
        u32::try_from(size)
            .ok()
            .filter(|_| (1..=MAX_DIMENSION).contains(&size))
            .ok_or_else(|| DimValueError::OutOfRange {
                dim: self.to_string(),
                value: size,
            })
    }
}

impl TryFrom<&ShapeDim> for Dim {
    type Error = DimError;

    fn try_from(dim: &ShapeDim) -> Result<Self, DimError> {
        match dim {
            ShapeDim::Symbolic(text) => text.parse(),
            ShapeDim::Fixed(size) => u32::try_from(*size)
                .ok()
                .filter(|&size| (1..=MAX_DIMENSION).contains(&u64::from(size)))
                .map(Self::Fixed)
                .ok_or_else(|| DimError {
                    found: size.to_string(),
                }),
        }
    }
}

impl FromStr for Dim {
    type Err = DimError;

    fn from_str(text: &str) -> Result<Self, DimError> {
        let error = || DimError {
            found: crate::text::shown(text),
        };
        let Some(at) = text.find(['*', '/']) else {
            return text.parse().map(Self::Symbol).map_err(|_| error());
        };
        let symbol: Identifier = text[..at].parse().map_err(|_| error())?;
        let constant = parse_constant(&text[at + 1..]).ok_or_else(error)?;
        Ok(match text.as_bytes()[at] {
            b'*' => Self::Times(symbol, constant),
            _ => Self::Over(symbol, constant),
        })
    }
}

/// A decimal number from 1 to 2^31 without sign or leading zeros.
fn parse_constant(text: &str) -> Option<u32> {
    let canonical = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    let value: u32 = text.parse().ok().filter(|_| canonical)?;
    (1..=MAX_DIMENSION)
        .contains(&u64::from(value))
        .then_some(value)
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(size) => size.fmt(f),
            Self::Symbol(symbol) => symbol.fmt(f),
            Self::Times(symbol, factor) => write!(f, "{symbol}*{factor}"),
            Self::Over(symbol, divisor) => write!(f, "{symbol}/{divisor}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dimensions_are_read_and_shown() {
        for text in ["rows", "dim/2", "cols*2", "n/2147483648"] {
            assert_eq!(text.parse::<Dim>().unwrap().to_string(), text);
        }
        assert_eq!(
            Dim::try_from(&ShapeDim::Fixed(1 << 31)),
            Ok(Dim::Fixed(1 << 31))
        );
    }

    #[test]
    fn other_texts_and_numbers_are_refused() {
        let texts = [
            "",
            "64",
            "Dim",
            "dim/",
            "/2",
            "dim/0",
            "dim*0",
            "dim/02",
            "dim/2/2",
            "dim*2+1",
            "dim /2",
            "dim/ 2",
            "dim/-2",
            "dim/+2",
            "2*dim",
            "dim/2147483649",
            "dim/99999999999",
            "dim/x",
            "d\u{131}m",
        ];
        for text in texts {
            assert!(text.parse::<Dim>().is_err(), "{text:?}");
        }
        for size in [0, (1 << 31) + 1, usize::MAX] {
            assert!(Dim::try_from(&ShapeDim::Fixed(size)).is_err(), "{size}");
        }
    }

    #[test]
    fn expressions_are_exact_and_bounded() {
        let size = |text: &str, value| text.parse::<Dim>().unwrap().size(value);
        assert_eq!(size("dim/2", 64), Ok(32));
        assert_eq!(size("dim*3", 5), Ok(15));
        assert!(matches!(
            size("dim/2", 63),
            Err(DimValueError::Inexact { value: 63, .. })
        ));
        assert!(matches!(
            size("dim*2", 1 << 31),
            Err(DimValueError::OutOfRange { .. })
        ));
        assert!(matches!(
            size("dim", 0),
            Err(DimValueError::OutOfRange { value: 0, .. })
        ));
        assert!(matches!(
            size("dim/2", 0),
            Err(DimValueError::OutOfRange { value: 0, .. })
        ));
    }
}
