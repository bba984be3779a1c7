use crate::{ByteLenError, DimValueError, ParamValueError};

/// Why shapes and parameters do not fit a kernel. Always the caller's fault.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// An input that the kernel needs was not given.
    #[error("missing input: `{name}`")]
    MissingInput {
        /// The input's name.
        name: String,
    },
    /// An input that the kernel does not have.
    #[error("unknown input (known are {}): `{name}`", known.join(", "))]
    UnknownInput {
        /// The name that was given.
        name: String,
        /// The kernel's inputs.
        known: Vec<String>,
    },
    /// An input that was given twice.
    #[error("input given twice: `{name}`")]
    RepeatedInput {
        /// The input's name.
        name: String,
    },
    /// A shape that does not match the declared one.
    #[error(
        "shape of {tensor} must be {}: `{found:?}`",
        declared_and_expected(declared, expected)
    )]
    Shape {
        /// The tensor's name.
        tensor: String,
        /// The shape in the manifest, such as `[rows, hidden]`.
        declared: String,
        /// The sizes that follow from the other inputs; empty where the ranks differ.
        expected: Vec<usize>,
        /// The shape that was given.
        found: Vec<usize>,
    },
    /// A symbol that has no value.
    #[error("missing dimension: `{name}`")]
    MissingDimension {
        /// The symbol.
        name: String,
    },
    /// A symbol that no input of the kernel binds.
    #[error("unknown dimension (known are {}): `{name}`", known.join(", "))]
    UnknownDimension {
        /// The name that was given.
        name: String,
        /// The symbols that inputs bind.
        known: Vec<String>,
    },
    /// A symbol that was given twice.
    #[error("dimension given twice: `{name}`")]
    RepeatedDimension {
        /// The symbol.
        name: String,
    },
    /// A symbol's value of zero or above 2^31.
    #[error("dimension {name} must have 1 to 2^31 elements: `{size}`")]
    DimensionOutOfRange {
        /// The symbol.
        name: String,
        /// The value that was given.
        size: usize,
    },
    /// A parameter that binds a symbol, with a value that no dimension has.
    #[error("parameter {name} is the size of a dimension and must be 1 to 2^31: `{value}`")]
    ParamNotADimension {
        /// The parameter.
        name: String,
        /// Its value.
        value: String,
    },
    /// An expression without a size under the symbols' values.
    #[error("a dimension of tensor cannot be computed: `{tensor}`")]
    Dimension {
        /// The tensor's name.
        tensor: String,
        /// What is wrong with the dimension.
        source: DimValueError,
    },
    /// A shape without a length in bytes.
    #[error("the length of tensor cannot be computed: `{tensor}`")]
    Length {
        /// The tensor's name.
        tensor: String,
        /// What is wrong with the shape.
        source: ByteLenError,
    },
    /// A parameter without default that was not given.
    #[error("missing parameter: `{name}`")]
    MissingParam {
        /// The parameter's name.
        name: String,
    },
    /// A parameter that the kernel does not have.
    #[error("unknown parameter (known are {}): `{name}`", known.join(", "))]
    UnknownParam {
        /// The name that was given.
        name: String,
        /// The kernel's parameters.
        known: Vec<String>,
    },
    /// A parameter that was given twice.
    #[error("parameter given twice: `{name}`")]
    RepeatedParam {
        /// The parameter's name.
        name: String,
    },
    /// A parameter's value of the wrong type.
    #[error("wrong value for parameter: `{name}`")]
    ParamValue {
        /// The parameter's name.
        name: String,
        /// What is wrong with the value.
        source: ParamValueError,
    },
    /// A parameter's value outside its bounds.
    #[error("parameter {name} must be {}: `{value}`", bounds(min.as_deref(), max.as_deref()))]
    ParamOutOfBounds {
        /// The parameter's name.
        name: String,
        /// The value that was given.
        value: String,
        /// The smallest value.
        min: Option<String>,
        /// The largest value.
        max: Option<String>,
    },
}

impl BindError {
    /// A stable name in snake case, for machines.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::MissingInput { .. } => "missing_input",
            Self::UnknownInput { .. } => "unknown_input",
            Self::RepeatedInput { .. } => "repeated_input",
            Self::Shape { .. } => "wrong_shape",
            Self::MissingDimension { .. } => "missing_dimension",
            Self::UnknownDimension { .. } => "unknown_dimension",
            Self::RepeatedDimension { .. } => "repeated_dimension",
            Self::DimensionOutOfRange { .. } | Self::Dimension { .. } => "invalid_dimension",
            Self::Length { .. } => "invalid_length",
            Self::MissingParam { .. } => "missing_parameter",
            Self::UnknownParam { .. } => "unknown_parameter",
            Self::RepeatedParam { .. } => "repeated_parameter",
            Self::ParamValue { .. } => "invalid_parameter",
            Self::ParamNotADimension { .. } | Self::ParamOutOfBounds { .. } => {
                "parameter_out_of_bounds"
            }
        }
    }
}

fn declared_and_expected(declared: &str, expected: &[usize]) -> String {
    if expected.is_empty() {
        declared.to_owned()
    } else {
        format!("{declared} = {expected:?}")
    }
}

fn bounds(min: Option<&str>, max: Option<&str>) -> String {
    match (min, max) {
        (Some(min), Some(max)) => format!("{min} to {max}"),
        (Some(min), None) => format!("{min} or more"),
        (None, Some(max)) => format!("{max} or less"),
        (None, None) => "in bounds".to_owned(),
    }
}
