#![expect(
    unsafe_code,
    reason = "the engine has the parts of an instance made by unsafe functions"
)]

use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering};

use kpack_schema::Limits;
use wasmer::sys::vm::{
    VMConfig, VMGlobal, VMGlobalDefinition, VMMemory, VMMemoryDefinition, VMTable,
    VMTableDefinition,
};
use wasmer::sys::{BaseTunables, Tunables};
use wasmer::{GlobalType, MemoryError, MemoryStyle, MemoryType, Pages, TableStyle, TableType};

use super::stack;

/// Makes the parts of one instance within its limits, and notes where its clock is.
pub(super) struct HostLimits {
    base: BaseTunables,
    memory_pages: Pages,
    table_elements: u32,
    stack: VMConfig,
    clock_place: ClockPlace,
}

impl HostLimits {
    /// `base` has to be that of the engine that compiled the module.
    pub(super) fn new(limits: Limits, base: BaseTunables) -> Self {
        Self {
            base,
            memory_pages: Pages(limits.memory_pages),
            table_elements: limits.table_elements,
            stack: VMConfig {
                wasm_stack_size: Some(stack::with_entry(limits.stack_bytes)),
            },
            clock_place: ClockPlace::default(),
        }
    }

    pub(super) fn clock_place(&self) -> ClockPlace {
        self.clock_place.clone()
    }

    fn memory(&self, ty: &MemoryType) -> Result<MemoryType, MemoryError> {
        if ty.minimum > self.memory_pages {
            return Err(MemoryError::MinimumMemoryTooLarge {
                min_requested: ty.minimum,
                max_allowed: self.memory_pages,
            });
        }
        let maximum = ty.maximum.unwrap_or(self.memory_pages);
        Ok(MemoryType {
            maximum: Some(maximum.min(self.memory_pages)),
            ..*ty
        })
    }

    /// Limits one table; the guards limit the sum of all.
    fn table(&self, ty: &TableType) -> Result<TableType, String> {
        if ty.minimum > self.table_elements {
            return Err(format!("elements of a table: `{}`", ty.minimum));
        }
        let maximum = ty.maximum.unwrap_or(self.table_elements);
        Ok(TableType {
            maximum: Some(maximum.min(self.table_elements)),
            ..*ty
        })
    }
}

impl Tunables for HostLimits {
    fn memory_style(&self, ty: &MemoryType) -> MemoryStyle {
        self.base.memory_style(ty)
    }

    fn table_style(&self, ty: &TableType) -> TableStyle {
        self.base.table_style(ty)
    }

    fn create_host_memory(
        &self,
        ty: &MemoryType,
        style: &MemoryStyle,
    ) -> Result<VMMemory, MemoryError> {
        self.base.create_host_memory(&self.memory(ty)?, style)
    }

    unsafe fn create_vm_memory(
        &self,
        ty: &MemoryType,
        style: &MemoryStyle,
        location: NonNull<VMMemoryDefinition>,
    ) -> Result<VMMemory, MemoryError> {
        let ty = self.memory(ty)?;
        // SAFETY: the location is passed on as the engine gave it.
        unsafe { self.base.create_vm_memory(&ty, style, location) }
    }

    fn create_host_table(&self, ty: &TableType, style: &TableStyle) -> Result<VMTable, String> {
        self.base.create_host_table(&self.table(ty)?, style)
    }

    unsafe fn create_vm_table(
        &self,
        ty: &TableType,
        style: &TableStyle,
        location: NonNull<VMTableDefinition>,
    ) -> Result<VMTable, String> {
        let ty = self.table(ty)?;
        // SAFETY: the location is passed on as the engine gave it.
        unsafe { self.base.create_vm_table(&ty, style, location) }
    }

    unsafe fn create_vm_global(
        &self,
        ty: GlobalType,
        location: NonNull<VMGlobalDefinition>,
    ) -> Result<VMGlobal, String> {
        // Globals are made in their order, and the clock's is the last.
        let place = &self.clock_place.0;
        place.store(location.as_ptr(), Ordering::Relaxed);
        // SAFETY: the location is passed on as the engine gave it.
        Ok(unsafe { VMGlobal::new_instance(ty, location) })
    }

    fn vmconfig(&self) -> &VMConfig {
        &self.stack
    }
}

/// Where an instance shows the clock, once it is made: in its last global.
#[derive(Debug, Clone, Default)]
pub(super) struct ClockPlace(Arc<AtomicPtr<VMGlobalDefinition>>);

impl ClockPlace {
    pub(super) fn get(&self) -> Option<NonNull<u64>> {
        NonNull::new(self.0.load(Ordering::Relaxed).cast())
    }
}
