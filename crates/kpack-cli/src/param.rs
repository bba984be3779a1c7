//! `NAME=VALUE` on the command line.

use kpack::{BindError, ParamValue, Signature};
use kpack_schema::{ParamDecl, ParamType, ParamValueError};

use crate::failure::Failure;

/// One `NAME=VALUE`, not yet held against a kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assignment<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: &'a str,
}

/// Splits every use of an option; a name may stand once.
pub(crate) fn assignments<'a>(
    option: &str,
    given: &'a [String],
) -> Result<Vec<Assignment<'a>>, Failure> {
    let mut assignments: Vec<Assignment<'a>> = Vec::with_capacity(given.len());
    for text in given {
        let Some((name, value)) = text
            .split_once('=')
            .filter(|(name, value)| !name.is_empty() && !value.is_empty())
        else {
            return Err(Failure::malformed_argument(option, text, "NAME=VALUE"));
        };
        if assignments.iter().any(|other| other.name == name) {
            return Err(Failure::repeated_argument(option, name));
        }
        assignments.push(Assignment { name, value });
    }
    Ok(assignments)
}

/// The values of a kernel's parameters, each of its declared type and within its bounds.
pub(crate) fn values<'a>(
    signature: &Signature,
    assignments: &[Assignment<'a>],
) -> Result<Vec<(&'a str, ParamValue)>, Failure> {
    assignments
        .iter()
        .map(|assignment| Ok((assignment.name, value(signature, assignment)?)))
        .collect()
}

fn value(signature: &Signature, assignment: &Assignment<'_>) -> Result<ParamValue, Failure> {
    let declared = signature.params();
    let Some(param) = declared.iter().find(|param| param.name == assignment.name) else {
        let known: Vec<&str> = declared.iter().map(|param| param.name.as_str()).collect();
        return Err(Failure::unknown_name(
            "unknown_parameter",
            "parameter",
            assignment.name,
            &known,
        ));
    };
    let given = parse(param, assignment.value)?;
    let accepted = param.accept(given);
    Ok(accepted.map_err(|error| as_typed(error, assignment.value))?)
}

/// The error with the value as it was typed, rather than as it was read: `1e39`, not `inf`.
fn as_typed(error: BindError, typed: &str) -> BindError {
    let typed = typed.to_owned();
    match error {
        BindError::ParamValue {
            name,
            source: ParamValueError::Range { expected, .. },
        } => BindError::ParamValue {
            name,
            source: ParamValueError::Range {
                expected,
                found: typed,
            },
        },
        BindError::ParamOutOfBounds { name, min, max, .. } => BindError::ParamOutOfBounds {
            name,
            value: typed,
            min,
            max,
        },
        other => other,
    }
}

/// Reads a value as its parameter's type wants it written.
fn parse(param: &ParamDecl, text: &str) -> Result<ParamValue, Failure> {
    let malformed = |form: &str| {
        let found = format!("{}={text}", param.name);
        Failure::malformed_argument("--param", &found, form)
    };
    match param.param_type {
        ParamType::Bool => text
            .parse()
            .map(ParamValue::Bool)
            .map_err(|_| malformed("true or false")),
        // Parsed as what it is, so that nothing is rounded twice.
        ParamType::F32 => text
            .parse()
            .map(ParamValue::F32)
            .map_err(|_| malformed("a number")),
        ParamType::F64 => text
            .parse()
            .map(ParamValue::F64)
            .map_err(|_| malformed("a number")),
        ParamType::I32 | ParamType::I64 | ParamType::U32 | ParamType::U64 => {
            if !is_decimal(text) {
                return Err(malformed("a decimal integer"));
            }
            Ok(integer(text).ok_or_else(|| BindError::ParamValue {
                name: param.name.clone(),
                source: ParamValueError::Range {
                    expected: param.param_type,
                    found: text.to_owned(),
                },
            })?)
        }
    }
}

fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

/// `None` where the number has more than 64 bits.
fn integer(text: &str) -> Option<ParamValue> {
    let signed = text.parse().map(ParamValue::I64);
    signed.or_else(|_| text.parse().map(ParamValue::U64)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn param(param_type: ParamType) -> ParamDecl {
        ParamDecl {
            name: "p".to_owned(),
            param_type,
            default: None,
            min: None,
            max: None,
        }
    }

    fn read(param_type: ParamType, text: &str) -> Result<ParamValue, u8> {
        let param = param(param_type);
        parse(&param, text)
            .and_then(|value| Ok(param.accept(value)?))
            .map_err(|failure| failure.exit().code())
    }

    #[test]
    fn values_are_read_as_their_type() {
        use ParamType::{Bool, F32, F64, I32, U32, U64};
        assert_eq!(read(Bool, "true"), Ok(ParamValue::Bool(true)));
        assert_eq!(read(U32, "+7"), Ok(ParamValue::U32(7)));
        assert_eq!(read(I32, "-7"), Ok(ParamValue::I32(-7)));
        assert_eq!(
            read(U64, "18446744073709551615"),
            Ok(ParamValue::U64(u64::MAX))
        );
        assert_eq!(read(F32, "1e-5"), Ok(ParamValue::F32(1e-5)));
        assert_eq!(read(F32, "3"), Ok(ParamValue::F32(3.0)));
        assert_eq!(read(F64, ".5"), Ok(ParamValue::F64(0.5)));
        // Through f64 this would round to 1 + 2^-23.
        let near = "1.00000005960464477540";
        assert_eq!(read(F32, near), Ok(ParamValue::F32(near.parse().unwrap())));
    }

    #[test]
    fn what_is_not_written_as_its_type_is_a_wrong_command_line() {
        use ParamType::{Bool, F32, U32};
        for (param_type, text) in [
            (Bool, "True"),
            (Bool, "1"),
            (U32, "1.5"),
            (U32, "0x10"),
            (U32, "1e3"),
            (U32, " 1"),
            (U32, "-"),
            (U32, "1_000"),
            (F32, "abc"),
            (F32, "1,5"),
        ] {
            assert_eq!(read(param_type, text), Err(2), "{text}");
        }
    }

    #[test]
    fn what_its_type_does_not_hold_is_out_of_range() {
        use ParamType::{F32, F64, I32, I64, U32, U64};
        for (param_type, text) in [
            (U32, "4294967296"),
            (U32, "-1"),
            (I32, "2147483648"),
            (I64, "9223372036854775808"),
            (U64, "18446744073709551616"),
            (F32, "1e39"),
            (F32, "nan"),
            (F64, "-inf"),
            (F64, "1e999"),
        ] {
            assert_eq!(read(param_type, text), Err(1), "{text}");
        }
    }

    #[test]
    fn assignments_name_each_thing_once() {
        let split = |texts: &[&str]| {
            let texts: Vec<String> = texts.iter().map(ToString::to_string).collect();
            assignments("--param", &texts)
                .map(|found| found.len())
                .map_err(|failure| failure.exit().code())
        };
        assert_eq!(split(&["a=1", "b=x=y"]), Ok(2));
        for malformed in ["a", "=1", "a=", ""] {
            assert_eq!(split(&[malformed]), Err(2), "{malformed}");
        }
        assert_eq!(split(&["a=1", "a=1"]), Err(2));
    }
}
