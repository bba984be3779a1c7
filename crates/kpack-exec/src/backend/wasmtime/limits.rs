use kpack_schema::{Limits, PAGE_SIZE};
use wasmtime::ResourceLimiter;

/// The limits of one instance, in the engine's units.
pub(super) struct HostLimits {
    memory_bytes: usize,
    memory_pages: u32,
    table_elements: usize,
    /// Elements of all tables together.
    table_used: usize,
    /// What the last permission added, to be taken back if the engine then fails to grow.
    table_granted: usize,
}

impl HostLimits {
    pub(super) fn new(limits: Limits) -> Self {
        let bytes = u64::from(limits.memory_pages) * u64::from(PAGE_SIZE);
        Self {
            memory_bytes: usize::try_from(bytes).unwrap_or(usize::MAX),
            memory_pages: limits.memory_pages,
            table_elements: usize::try_from(limits.table_elements).unwrap_or(usize::MAX),
            table_used: 0,
            table_granted: 0,
        }
    }

    /// The lower of the limit and what the memory's type declares.
    pub(super) fn max_pages(&self, declared: Option<u64>) -> u32 {
        let declared = declared.and_then(|pages| u32::try_from(pages).ok());
        declared.map_or(self.memory_pages, |pages| pages.min(self.memory_pages))
    }
}

impl ResourceLimiter for HostLimits {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= self.memory_bytes)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let added = desired.saturating_sub(current);
        let used = self.table_used.saturating_add(added);
        if used > self.table_elements || maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        self.table_used = used;
        self.table_granted = added;
        Ok(true)
    }

    fn table_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.table_used = self.table_used.saturating_sub(self.table_granted);
        self.table_granted = 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_table_growth_is_taken_back() {
        let limits = Limits {
            memory_pages: 1,
            epoch_ticks: 1,
            table_elements: 10,
            stack_bytes: 65_536,
            globals: 0,
        };
        let mut limits = HostLimits::new(limits);
        assert!(limits.table_growing(0, 6, None).unwrap());
        assert!(limits.table_growing(0, 4, Some(4)).unwrap());
        limits
            .table_grow_failed(wasmtime::Error::msg("test"))
            .unwrap();
        assert!(!limits.table_growing(6, 11, None).unwrap());
        assert!(limits.table_growing(6, 10, None).unwrap());
        assert!(limits.memory_growing(0, 65_536, None).unwrap());
        assert!(!limits.memory_growing(0, 65_537, None).unwrap());
    }
}
