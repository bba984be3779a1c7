/// What a kernel's entry point returns.
///
/// 1 to 3 say that the caller asked for something the kernel does not take; 4 and above that the
/// kernel itself failed. A code outside this list is reported with its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Status {
    /// The outputs are written.
    Ok = 0,
    /// An input's shape or size is one that the kernel does not take.
    InvalidInput = 1,
    /// The output region does not fit the inputs.
    InvalidOutput = 2,
    /// A parameter or a combination of parameters is one that the kernel does not take.
    InvalidParams = 3,
    /// The kernel could not get the memory it needs.
    OutOfMemory = 4,
    /// The kernel does not implement what was asked.
    NotImplemented = 5,
    /// The kernel failed in a way of its own.
    InternalError = 6,
}

impl Status {
    /// The status that a result code stands for, or `None` for a code outside the list.
    #[must_use]
    pub const fn from_code(code: i32) -> Option<Self> {
        Some(match code {
            0 => Self::Ok,
            1 => Self::InvalidInput,
            2 => Self::InvalidOutput,
            3 => Self::InvalidParams,
            4 => Self::OutOfMemory,
            5 => Self::NotImplemented,
            6 => Self::InternalError,
            _ => return None,
        })
    }

    /// The code that stands for this status.
    #[must_use]
    pub const fn code(self) -> i32 {
        self as i32
    }

    /// The name in the interface's documentation, such as `INVALID_INPUT`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::InvalidInput => "INVALID_INPUT",
            Self::InvalidOutput => "INVALID_OUTPUT",
            Self::InvalidParams => "INVALID_PARAMS",
            Self::OutOfMemory => "OUT_OF_MEMORY",
            Self::NotImplemented => "NOT_IMPLEMENTED",
            Self::InternalError => "INTERNAL_ERROR",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_round_trip_and_end_at_six() {
        for code in 0..=6 {
            assert_eq!(Status::from_code(code).map(Status::code), Some(code));
        }
        assert_eq!(Status::from_code(7), None);
        assert_eq!(Status::from_code(-1), None);
    }
}
