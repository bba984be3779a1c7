//! Gives a generated module the form of a kernel: an entry point that feeds its functions from the
//! input tensor and leaves everything that they changed in the output tensor.

mod entry;

use std::convert::Infallible;

use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{
    AbstractHeapType, CodeSection, ConstExpr, ElementSection, Elements, ExportKind, ExportSection,
    FunctionSection, GlobalSection, MemoryType, Module, TableSection, TypeSection, ValType,
};
use wasmparser::{
    CodeSectionReader, CompositeInnerType, ElementSectionReader, Export, ExportSectionReader,
    FuncType, FunctionSectionReader, GlobalSectionReader, Parser, TableSectionReader,
    TypeSectionReader,
};

use crate::chance::Chance;
use crate::choices::Choices;
use crate::generator::Generated;
use crate::observation::Slot;

/// The name of the entry point.
pub(crate) const ENTRY_POINT: &str = "run";

const MEMORY: &str = "memory";

/// What the host adds to a memory for a call: a module that declares a maximum leaves room for it.
const ARENA_PAGES: u64 = 2;

/// The functions that are put into the first table.
const MOST_IN_TABLE: usize = 4;

/// A module in the form of a kernel.
pub(crate) struct Kernel {
    pub(crate) module: Vec<u8>,
    /// What the entry point leaves in the output.
    pub(crate) slots: Vec<Slot>,
}

pub(crate) fn into_kernel(generated: &Generated, choices: &Choices, chance: &mut Chance) -> Kernel {
    let mut harness = Harness {
        fuel: generated.fuel,
        choices,
        chance,
        types: Vec::new(),
        functions: Vec::new(),
        tables: 0,
        first_slots: 0,
        globals: Vec::new(),
        slots: Vec::new(),
    };
    let mut module = Module::new();
    harness
        .parse_core_module(&mut module, Parser::new(0), &generated.bytes)
        .expect("the generator makes valid modules");
    Kernel {
        module: module.finish(),
        slots: harness.slots,
    }
}

/// What is known of the module while it is copied section by section.
struct Harness<'a> {
    fuel: Option<(u32, u32)>,
    choices: &'a Choices,
    chance: &'a mut Chance,
    types: Vec<FuncType>,
    /// The type of each function.
    functions: Vec<u32>,
    tables: u32,
    /// The slots that the first table starts with.
    first_slots: usize,
    globals: Vec<ValType>,
    slots: Vec<Slot>,
}

type Result<T> = std::result::Result<T, Error>;

impl Reencode for Harness<'_> {
    type Error = Infallible;

    /// References to host objects can never be declared. With references to functions in their
    /// place the module is as valid as before.
    fn abstract_heap_type(
        &mut self,
        value: wasmparser::AbstractHeapType,
    ) -> Result<AbstractHeapType> {
        Ok(match utils::abstract_heap_type(self, value) {
            AbstractHeapType::Extern => AbstractHeapType::Func,
            other => other,
        })
    }

    fn memory_type(&mut self, memory: wasmparser::MemoryType) -> Result<MemoryType> {
        let mut memory = utils::memory_type(self, memory);
        memory.maximum = memory.maximum.map(|pages| pages + ARENA_PAGES);
        Ok(memory)
    }

    fn parse_type_section(
        &mut self,
        types: &mut TypeSection,
        section: TypeSectionReader<'_>,
    ) -> Result<()> {
        utils::parse_type_section(self, types, section.clone())?;
        for group in section {
            for ty in group?.types() {
                if let CompositeInnerType::Func(ty) = &ty.composite_type.inner {
                    self.types.push(ty.clone());
                }
            }
        }
        types.ty().function([ValType::I32], [ValType::I32]);
        Ok(())
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: FunctionSectionReader<'_>,
    ) -> Result<()> {
        utils::parse_function_section(self, functions, section.clone())?;
        for ty in section {
            self.functions.push(ty?);
        }
        functions.function(index(self.types.len()));
        Ok(())
    }

    fn parse_table_section(
        &mut self,
        tables: &mut TableSection,
        section: TableSectionReader<'_>,
    ) -> Result<()> {
        self.tables = section.count();
        if let Some(first) = section.clone().into_iter().next() {
            self.first_slots = usize::try_from(first?.ty.initial).unwrap_or(usize::MAX);
        }
        utils::parse_table_section(self, tables, section)
    }

    /// A last segment puts some functions into the first table, which mostly is all null otherwise.
    fn parse_element_section(
        &mut self,
        elements: &mut ElementSection,
        section: ElementSectionReader<'_>,
    ) -> Result<()> {
        utils::parse_element_section(self, elements, section)?;
        if self.tables > 0 {
            let count = self
                .first_slots
                .min(self.functions.len())
                .min(MOST_IN_TABLE);
            let functions: Vec<u32> = (0..index(count)).collect();
            elements.active(
                None,
                &ConstExpr::i32_const(0),
                Elements::Functions(functions.into()),
            );
        }
        Ok(())
    }

    fn parse_global_section(
        &mut self,
        globals: &mut GlobalSection,
        section: GlobalSectionReader<'_>,
    ) -> Result<()> {
        utils::parse_global_section(self, globals, section.clone())?;
        for global in section {
            let ty = self.val_type(global?.ty.content_type)?;
            self.globals.push(ty);
        }
        Ok(())
    }

    fn parse_export_section(
        &mut self,
        exports: &mut ExportSection,
        section: ExportSectionReader<'_>,
    ) -> Result<()> {
        utils::parse_export_section(self, exports, section)?;
        exports.export(MEMORY, ExportKind::Memory, 0);
        exports.export(ENTRY_POINT, ExportKind::Func, index(self.functions.len()));
        Ok(())
    }

    fn parse_export(&mut self, exports: &mut ExportSection, export: Export<'_>) -> Result<()> {
        // The entry point and the memory need their names, and a name may be given but once.
        if [ENTRY_POINT, MEMORY].contains(&export.name) {
            return Ok(());
        }
        utils::parse_export(self, exports, export)
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: CodeSectionReader<'_>,
    ) -> Result<()> {
        utils::parse_code_section(self, code, section)?;
        code.function(&self.entry_point()?);
        Ok(())
    }
}

fn index(length: usize) -> u32 {
    u32::try_from(length).expect("a module has fewer than 2^32 of anything")
}
