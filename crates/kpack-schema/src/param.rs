use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A parameter as a manifest declares it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct KernelParam {
    /// The type.
    #[serde(rename = "type")]
    pub param_type: ParamType,
    /// The value where the caller gives none; `null` where he must give one.
    pub default: Value,
    /// The smallest value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<Value>,
    /// The largest value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Value>,
    /// What the parameter does, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// The type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ParamType {
    /// IEEE 754 binary32, finite.
    F32,
    /// IEEE 754 binary64, finite.
    F64,
    /// Signed 32-bit integer.
    I32,
    /// Signed 64-bit integer.
    I64,
    /// Unsigned 32-bit integer.
    U32,
    /// Unsigned 64-bit integer.
    U64,
    /// A truth value, stored as `u32` 0 or 1.
    Bool,
}

impl ParamType {
    /// The name in a manifest, such as `f32`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::U32 => "u32",
            Self::U64 => "u64",
            Self::Bool => "bool",
        }
    }

    /// Whether a symbol of a shape may take its value from such a parameter.
    #[must_use]
    pub const fn is_integer(self) -> bool {
        matches!(self, Self::I32 | Self::I64 | Self::U32 | Self::U64)
    }

    /// The bytes of a value in the parameter block: 4 or 8.
    #[must_use]
    pub const fn block_bytes(self) -> u32 {
        match self {
            Self::F32 | Self::I32 | Self::U32 | Self::Bool => 4,
            Self::F64 | Self::I64 | Self::U64 => 8,
        }
    }
}

impl fmt::Display for ParamType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The value of a parameter.
///
/// A caller may give any variant; binding converts it to the declared type, where that loses nothing
/// but a float's precision.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ParamValue {
    /// Of [`ParamType::F32`].
    F32(f32),
    /// Of [`ParamType::F64`].
    F64(f64),
    /// Of [`ParamType::I32`].
    I32(i32),
    /// Of [`ParamType::I64`].
    I64(i64),
    /// Of [`ParamType::U32`].
    U32(u32),
    /// Of [`ParamType::U64`].
    U64(u64),
    /// Of [`ParamType::Bool`].
    Bool(bool),
}

/// Why a value does not fit a parameter's type.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ParamValueError {
    /// A value of another kind: a truth value for a number, a float for an integer, a text.
    #[error("expected a value of type {expected}: `{found}`")]
    Type {
        /// The declared type.
        expected: ParamType,
        /// The value.
        found: String,
    },
    /// A number that the type cannot hold, a NaN or an infinity.
    #[error("not a finite value within the range of {expected}: `{found}`")]
    Range {
        /// The declared type.
        expected: ParamType,
        /// The value.
        found: String,
    },
}

impl ParamValue {
    /// The value's type.
    #[must_use]
    pub const fn param_type(self) -> ParamType {
        match self {
            Self::F32(_) => ParamType::F32,
            Self::F64(_) => ParamType::F64,
            Self::I32(_) => ParamType::I32,
            Self::I64(_) => ParamType::I64,
            Self::U32(_) => ParamType::U32,
            Self::U64(_) => ParamType::U64,
            Self::Bool(_) => ParamType::Bool,
        }
    }

    /// The same value as the declared type.
    ///
    /// Integers convert where they fit, numbers to floats with rounding.
    ///
    /// # Errors
    ///
    /// A float for an integer, a truth value for a number or the reverse, a number outside the
    /// type's range, a NaN or an infinity.
    pub fn convert(self, expected: ParamType) -> Result<Self, ParamValueError> {
        let wrong_type = || ParamValueError::Type {
            expected,
            found: self.to_string(),
        };
        let out_of_range = || ParamValueError::Range {
            expected,
            found: self.to_string(),
        };
        let converted = match expected {
            ParamType::Bool => match self {
                Self::Bool(_) => Some(self),
                _ => return Err(wrong_type()),
            },
            ParamType::F32 => Some(Self::F32(self.as_f32().ok_or_else(wrong_type)?)),
            ParamType::F64 => Some(Self::F64(self.as_f64().ok_or_else(wrong_type)?)),
            ParamType::I32 => i32::try_from(self.as_integer().ok_or_else(wrong_type)?)
                .ok()
                .map(Self::I32),
            ParamType::I64 => i64::try_from(self.as_integer().ok_or_else(wrong_type)?)
                .ok()
                .map(Self::I64),
            ParamType::U32 => u32::try_from(self.as_integer().ok_or_else(wrong_type)?)
                .ok()
                .map(Self::U32),
            ParamType::U64 => u64::try_from(self.as_integer().ok_or_else(wrong_type)?)
                .ok()
                .map(Self::U64),
        };
        converted
            .filter(|value| value.is_finite())
            .ok_or_else(out_of_range)
    }

    /// Reads a value of this type from JSON.
    pub(crate) fn from_json(value: &Value, expected: ParamType) -> Result<Self, ParamValueError> {
        let read = match value {
            Value::Bool(value) => Some(Self::Bool(*value)),
            Value::Number(number) => number
                .as_i64()
                .map(Self::I64)
                .or_else(|| number.as_u64().map(Self::U64))
                .or_else(|| number.as_f64().map(Self::F64)),
            _ => None,
        };
        let found = || crate::text::shown(&value.to_string());
        read.ok_or_else(|| ParamValueError::Type {
            expected,
            found: found(),
        })?
        .convert(expected)
    }

    /// The value as the size of a dimension, if it is an integer of 0 or more.
    pub(crate) fn as_dimension(self) -> Option<u64> {
        self.as_integer()
            .and_then(|value| u64::try_from(value).ok())
    }

    /// Appends the value's little-endian bytes, as many as
    /// [`block_bytes`](ParamType::block_bytes).
    pub(crate) fn write_le(self, bytes: &mut Vec<u8>) {
        match self {
            Self::F32(value) => bytes.extend(value.to_le_bytes()),
            Self::F64(value) => bytes.extend(value.to_le_bytes()),
            Self::I32(value) => bytes.extend(value.to_le_bytes()),
            Self::I64(value) => bytes.extend(value.to_le_bytes()),
            Self::U32(value) => bytes.extend(value.to_le_bytes()),
            Self::U64(value) => bytes.extend(value.to_le_bytes()),
            Self::Bool(value) => bytes.extend(u32::from(value).to_le_bytes()),
        }
    }

    fn as_integer(self) -> Option<i128> {
        match self {
            Self::I32(value) => Some(value.into()),
            Self::I64(value) => Some(value.into()),
            Self::U32(value) => Some(value.into()),
            Self::U64(value) => Some(value.into()),
            Self::F32(_) | Self::F64(_) | Self::Bool(_) => None,
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "a number for a float parameter is rounded"
    )]
    fn as_f64(self) -> Option<f64> {
        match self {
            Self::F32(value) => Some(value.into()),
            Self::F64(value) => Some(value),
            Self::Bool(_) => None,
            integer => integer.as_integer().map(|value| value as f64),
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "a number for a float parameter is rounded; an overflow gives an infinity, which is refused"
    )]
    fn as_f32(self) -> Option<f32> {
        match self {
            Self::F32(value) => Some(value),
            Self::F64(value) => Some(value as f32),
            Self::Bool(_) => None,
            integer => integer.as_integer().map(|value| value as f32),
        }
    }

    fn is_finite(self) -> bool {
        match self {
            Self::F32(value) => value.is_finite(),
            Self::F64(value) => value.is_finite(),
            _ => true,
        }
    }

    /// Whether `self <= other`, for two values of one type.
    pub(crate) fn at_most(self, other: Self) -> bool {
        match (self.as_integer(), other.as_integer()) {
            (Some(left), Some(right)) => left <= right,
            _ => match (self.as_f64(), other.as_f64()) {
                (Some(left), Some(right)) => left <= right,
                _ => true,
            },
        }
    }
}

impl fmt::Display for ParamValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::F32(value) => write!(f, "{value:?}"),
            Self::F64(value) => write!(f, "{value:?}"),
            Self::I32(value) => value.fmt(f),
            Self::I64(value) => value.fmt(f),
            Self::U32(value) => value.fmt(f),
            Self::U64(value) => value.fmt(f),
            Self::Bool(value) => value.fmt(f),
        }
    }
}

macro_rules! from_rust {
    ($($rust:ty => $variant:ident),*) => {
        $(impl From<$rust> for ParamValue {
            fn from(value: $rust) -> Self {
                Self::$variant(value)
            }
        })*
    };
}

from_rust!(f32 => F32, f64 => F64, i32 => I32, i64 => I64, u32 => U32, u64 => U64, bool => Bool);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_convert_where_they_fit() {
        let cases = [
            (ParamValue::F64(1e-5), ParamType::F32, ParamValue::F32(1e-5)),
            (
                ParamValue::I32(10_000),
                ParamType::F32,
                ParamValue::F32(10_000.0),
            ),
            (ParamValue::I32(64), ParamType::U32, ParamValue::U32(64)),
            (
                ParamValue::U64(u64::MAX),
                ParamType::U64,
                ParamValue::U64(u64::MAX),
            ),
            (ParamValue::I64(-1), ParamType::I32, ParamValue::I32(-1)),
            (
                ParamValue::Bool(true),
                ParamType::Bool,
                ParamValue::Bool(true),
            ),
        ];
        for (given, expected, converted) in cases {
            assert_eq!(given.convert(expected), Ok(converted));
        }
    }

    #[test]
    fn other_values_are_refused() {
        let range = [
            (ParamValue::F64(1e39), ParamType::F32),
            (ParamValue::F64(f64::NAN), ParamType::F64),
            (ParamValue::F32(f32::INFINITY), ParamType::F32),
            (ParamValue::I32(-1), ParamType::U32),
            (ParamValue::U64(1 << 32), ParamType::U32),
            (ParamValue::U64(1 << 63), ParamType::I64),
        ];
        for (given, expected) in range {
            assert!(
                matches!(given.convert(expected), Err(ParamValueError::Range { .. })),
                "{given}"
            );
        }
        let kind = [
            (ParamValue::F64(1.0), ParamType::U32),
            (ParamValue::Bool(true), ParamType::I32),
            (ParamValue::Bool(true), ParamType::F32),
            (ParamValue::I32(1), ParamType::Bool),
        ];
        for (given, expected) in kind {
            assert!(
                matches!(given.convert(expected), Err(ParamValueError::Type { .. })),
                "{given}"
            );
        }
    }

    #[test]
    fn json_values_keep_their_type() {
        let read = |text: &str, expected| {
            ParamValue::from_json(&serde_json::from_str(text).unwrap(), expected)
        };
        assert_eq!(
            read("18446744073709551615", ParamType::U64),
            Ok(ParamValue::U64(u64::MAX))
        );
        assert_eq!(read("10000", ParamType::F32), Ok(ParamValue::F32(10_000.0)));
        for (text, expected) in [
            ("1.0", ParamType::U32),
            ("\"1\"", ParamType::U32),
            ("null", ParamType::F32),
            ("[1]", ParamType::F32),
            ("1e39", ParamType::F32),
            ("0", ParamType::Bool),
            ("-1", ParamType::U64),
        ] {
            assert!(read(text, expected).is_err(), "{text}");
        }
    }
}
