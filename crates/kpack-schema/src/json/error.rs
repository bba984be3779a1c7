use std::fmt;

/// A JSON document that was refused: what is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonError {
    pointer: String,
    kind: JsonErrorKind,
}

/// What is wrong with a JSON document.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum JsonErrorKind {
    /// The document is longer than the reader takes.
    TooLarge {
        /// The document's length in bytes.
        bytes: usize,
        /// The longest accepted length in bytes.
        max_bytes: usize,
    },
    /// The document nests more deeply than the reader takes.
    TooDeep {
        /// The largest accepted depth.
        max_depth: usize,
    },
    /// The text is not JSON.
    Syntax {
        /// The parser's words, with line and column.
        message: String,
    },
    /// Something stands behind the document.
    TrailingData {
        /// The parser's words, with line and column.
        message: String,
    },
    /// An object holds the same key twice.
    DuplicateKey,
    /// An object holds a field that its type does not have.
    UnknownField {
        /// The fields that the type has.
        known: &'static [&'static str],
    },
    /// An object lacks a field that its type must have.
    MissingField {
        /// The field's name.
        field: &'static str,
    },
    /// A value is not of the type that stands there.
    WrongType {
        /// What was found and what was expected.
        message: String,
    },
}

impl JsonErrorKind {
    /// A stable name in snake case, for machines.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too_large",
            Self::TooDeep { .. } => "too_deep",
            Self::Syntax { .. } => "syntax",
            Self::TrailingData { .. } => "trailing_data",
            Self::DuplicateKey => "duplicate_key",
            Self::UnknownField { .. } => "unknown_field",
            Self::MissingField { .. } => "missing_field",
            Self::WrongType { .. } => "wrong_type",
        }
    }
}

impl JsonError {
    pub(super) fn new(pointer: String, kind: JsonErrorKind) -> Self {
        Self { pointer, kind }
    }

    /// Where the problem stands, as a JSON pointer (RFC 6901); empty for the whole document.
    #[must_use]
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// What the problem is.
    #[must_use]
    pub fn kind(&self) -> &JsonErrorKind {
        &self.kind
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pointer = crate::text::shown(&self.pointer);
        match &self.kind {
            JsonErrorKind::TooLarge { bytes, max_bytes } => {
                write!(f, "larger than {max_bytes} bytes: {bytes}")
            }
            JsonErrorKind::TooDeep { max_depth } => {
                write!(f, "nested deeper than {max_depth} at: `{pointer}`")
            }
            JsonErrorKind::Syntax { message } => write!(f, "not valid JSON: {message}"),
            JsonErrorKind::TrailingData { message } => {
                write!(f, "data behind the end of the document: {message}")
            }
            JsonErrorKind::DuplicateKey => write!(f, "repeated key: `{pointer}`"),
            JsonErrorKind::UnknownField { known } => {
                write!(
                    f,
                    "unknown field (known are {}): `{pointer}`",
                    known.join(", ")
                )
            }
            JsonErrorKind::MissingField { field } => {
                write!(f, "missing field `{field}` in: `{pointer}`")
            }
            JsonErrorKind::WrongType { message } => write!(f, "{message} at: `{pointer}`"),
        }
    }
}

impl std::error::Error for JsonError {}

/// Appends one segment to a JSON pointer.
pub(crate) fn push_segment(pointer: &mut String, segment: &str) {
    pointer.push('/');
    pointer.push_str(&segment.replace('~', "~0").replace('/', "~1"));
}
