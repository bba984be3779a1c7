use std::collections::BTreeSet;

use crate::KernelId;

/// What a host lets a manifest ask for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostPolicy {
    /// The highest limits that a kernel may ask for.
    pub limits: LimitPolicy,
    /// Fallback targets outside the pack that this host serves itself.
    pub named_fallbacks: BTreeSet<KernelId>,
}

/// The highest limits that a kernel may ask for; a manifest above them is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitPolicy {
    /// Pages of 64 KiB; 16,384 (1 GiB) by default.
    pub max_memory_pages: u32,
    /// Ticks of 10 ms; 6,000 (one minute) by default.
    pub max_epoch_ticks: u64,
    /// Elements of all tables together; 65,536 by default.
    pub max_table_elements: u32,
    /// Bytes of stack; 1 MiB by default.
    pub max_stack_size: usize,
    /// Globals; 1,000 by default.
    pub max_globals: u32,
}

impl Default for LimitPolicy {
    fn default() -> Self {
        Self {
            max_memory_pages: 16_384,
            max_epoch_ticks: 6_000,
            max_table_elements: 65_536,
            max_stack_size: 1024 * 1024,
            max_globals: 1_000,
        }
    }
}
