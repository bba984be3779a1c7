use std::fmt;

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

/// Declares the kinds of faults, so that none can be missing in their list.
macro_rules! fault_kinds {
    ($($(#[$doc:meta])* $kind:ident => $name:literal,)+) => {
        /// A [`Fault`] without its details: what policies and counters tell apart.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum FaultKind {
            $($(#[$doc])* $kind,)+
        }

        impl FaultKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$kind),+];

            /// A stable name for programs, in `snake_case`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)+
                }
            }
        }
    };
}

fault_kinds! {
    /// [`Fault::Deadline`].
    Deadline => "deadline",
    /// [`Fault::StackOverflow`].
    StackOverflow => "stack_overflow",
    /// [`Fault::MemoryLimit`].
    MemoryLimit => "memory_limit",
    /// [`Fault::MemoryOutOfBounds`].
    MemoryOutOfBounds => "memory_out_of_bounds",
    /// [`Fault::TableOutOfBounds`].
    TableOutOfBounds => "table_out_of_bounds",
    /// [`Fault::IndirectCallToNull`].
    IndirectCallToNull => "indirect_call_to_null",
    /// [`Fault::IndirectCallType`].
    IndirectCallType => "indirect_call_type",
    /// [`Fault::IntegerOverflow`].
    IntegerOverflow => "integer_overflow",
    /// [`Fault::IntegerDivideByZero`].
    IntegerDivideByZero => "integer_divide_by_zero",
    /// [`Fault::BadConversionToInteger`].
    BadConversionToInteger => "bad_conversion_to_integer",
    /// [`Fault::Unreachable`].
    Unreachable => "unreachable",
    /// [`Fault::Status`].
    Status => "status",
    /// [`Fault::Other`].
    Other => "trap",
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Fault {
    /// The fault without its details.
    #[must_use]
    pub const fn fault_kind(&self) -> FaultKind {
        match self {
            Self::Deadline { .. } => FaultKind::Deadline,
            Self::StackOverflow => FaultKind::StackOverflow,
            Self::MemoryLimit { .. } => FaultKind::MemoryLimit,
            Self::MemoryOutOfBounds => FaultKind::MemoryOutOfBounds,
            Self::TableOutOfBounds => FaultKind::TableOutOfBounds,
            Self::IndirectCallToNull => FaultKind::IndirectCallToNull,
            Self::IndirectCallType => FaultKind::IndirectCallType,
            Self::IntegerOverflow => FaultKind::IntegerOverflow,
            Self::IntegerDivideByZero => FaultKind::IntegerDivideByZero,
            Self::BadConversionToInteger => FaultKind::BadConversionToInteger,
            Self::Unreachable => FaultKind::Unreachable,
            Self::Status { .. } => FaultKind::Status,
            Self::Other { .. } => FaultKind::Other,
        }
    }

    /// A stable name for programs, in `snake_case`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        self.fault_kind().name()
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
