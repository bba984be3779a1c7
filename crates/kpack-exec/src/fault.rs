/// How a kernel failed. Only a fault may lead to a fallback.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The call did not end within its ticks of 10 ms.
    #[error("the kernel did not end within its ticks: `{ticks}`")]
    Deadline {
        /// The ticks that the call was given.
        ticks: u64,
    },
    /// The kernel used up its stack.
    #[error("the kernel used up its stack")]
    StackOverflow,
    /// The kernel's module and the tensors of the call do not fit its memory limit.
    #[error("the kernel may use `{max_pages}` pages of memory, but needs: `{needed_pages}`")]
    MemoryLimit {
        /// Pages of 64 KiB that the call needs, the module's own included.
        needed_pages: u64,
        /// Pages of 64 KiB that the kernel may have.
        max_pages: u32,
    },
    /// A load, store or data segment lies outside the memory.
    #[error("the kernel accessed memory out of bounds")]
    MemoryOutOfBounds,
    /// A table access or element segment lies outside the table.
    #[error("the kernel accessed a table out of bounds")]
    TableOutOfBounds,
    /// An indirect call met an empty table slot.
    #[error("the kernel called an empty table slot")]
    IndirectCallToNull,
    /// An indirect call met a function of another type.
    #[error("the kernel called a function through the wrong type")]
    IndirectCallType,
    /// An integer division overflowed.
    #[error("the kernel overflowed an integer division")]
    IntegerOverflow,
    /// An integer was divided by zero.
    #[error("the kernel divided an integer by zero")]
    IntegerDivideByZero,
    /// A NaN or a number out of range was converted to an integer.
    #[error("the kernel converted an unrepresentable float to an integer")]
    BadConversionToInteger,
    /// The kernel ran into `unreachable`: a panic or an abort in its source.
    #[error("the kernel ran into unreachable code")]
    Unreachable,
    /// The kernel returned a status that is not the caller's fault.
    #[error("the kernel returned status: `{code}`")]
    Status {
        /// The status code: 4 and above, or negative.
        code: i32,
    },
    /// A trap that none of the other kinds describes.
    #[error("the kernel trapped: `{message}`")]
    Other {
        /// What the engine says.
        message: String,
    },
}

impl Fault {
    /// A stable name for programs, in `snake_case`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Deadline { .. } => "deadline",
            Self::StackOverflow => "stack_overflow",
            Self::MemoryLimit { .. } => "memory_limit",
            Self::MemoryOutOfBounds => "memory_out_of_bounds",
            Self::TableOutOfBounds => "table_out_of_bounds",
            Self::IndirectCallToNull => "indirect_call_to_null",
            Self::IndirectCallType => "indirect_call_type",
            Self::IntegerOverflow => "integer_overflow",
            Self::IntegerDivideByZero => "integer_divide_by_zero",
            Self::BadConversionToInteger => "bad_conversion_to_integer",
            Self::Unreachable => "unreachable",
            Self::Status { .. } => "status",
            Self::Other { .. } => "trap",
        }
    }

    /// Whether one of the kernel's limits stopped it, rather than a failure of its own.
    #[must_use]
    pub const fn is_limit(&self) -> bool {
        matches!(
            self,
            Self::Deadline { .. } | Self::StackOverflow | Self::MemoryLimit { .. }
        )
    }
}

/// Who has to act when something went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Blame {
    /// The program that made the call: a wrong shape, a missing tensor.
    Caller,
    /// The pack's author: a module that the static policy or the platform refuses.
    Pack,
    /// The kernel, while it ran: a [`Fault`].
    Kernel,
    /// This machine or the engine on it.
    Host,
}
