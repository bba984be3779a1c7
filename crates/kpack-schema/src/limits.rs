use serde::{Deserialize, Serialize};

/// The stack, in bytes, of a kernel whose manifest names none.
pub const DEFAULT_STACK_BYTES: usize = 512 * 1024;

/// The number of globals that a kernel may have whose manifest names none.
pub const DEFAULT_MAX_GLOBALS: u32 = 1_000;

/// The limits that a manifest asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ResourceLimits {
    /// The whole linear memory, in pages of 64 KiB, the part that the host adds for a call included.
    pub max_memory_pages: u32,
    /// The wall clock time of one call, in ticks of 10 ms.
    pub max_epoch_ticks: u64,
    /// The elements of all tables together.
    pub max_table_elements: u32,
    /// The stack in bytes; [`DEFAULT_STACK_BYTES`] where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_stack_size: Option<usize>,
    /// The number of globals; [`DEFAULT_MAX_GLOBALS`] where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_globals: Option<u32>,
}

impl Default for ResourceLimits {
    fn default() -> Self {
        Self {
            max_memory_pages: 256,
            max_epoch_ticks: 1_000,
            max_table_elements: 1_024,
            max_stack_size: None,
            max_globals: None,
        }
    }
}

/// The limits that bind a kernel: what its manifest asked for, with the defaults filled in, after
/// the host's policy has agreed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Limits {
    /// The whole linear memory, in pages of 64 KiB.
    pub memory_pages: u32,
    /// The wall clock time of one call, in ticks of 10 ms.
    pub epoch_ticks: u64,
    /// The elements of all tables together.
    pub table_elements: u32,
    /// The stack in bytes.
    pub stack_bytes: usize,
    /// The number of globals.
    pub globals: u32,
}

impl ResourceLimits {
    /// The limits with the defaults filled in.
    pub(crate) fn resolve(&self) -> Limits {
        Limits {
            memory_pages: self.max_memory_pages,
            epoch_ticks: self.max_epoch_ticks,
            table_elements: self.max_table_elements,
            stack_bytes: self.max_stack_size.unwrap_or(DEFAULT_STACK_BYTES),
            globals: self.max_globals.unwrap_or(DEFAULT_MAX_GLOBALS),
        }
    }
}
