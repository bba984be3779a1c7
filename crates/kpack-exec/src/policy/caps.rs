use std::fmt;

/// How large a module may be, so that to validate and to compile it takes bounded time.
///
/// What a compiler's time and memory depend on is capped, one cap for each way in which they grow
/// faster than the bytes of a module. The defaults leave at least twice, and mostly four times or more, what the reference
/// kernels need; the worst modules that were found within them are in `docs/compile-budget.md`, with
/// what they cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleCaps {
    /// Bytes of the module; 8 MiB.
    pub module_bytes: u64,
    /// Bytes of all function bodies together; 512 KiB.
    pub code_bytes: u64,
    /// Bytes of one function body; 128 KiB.
    pub body_bytes: u64,
    /// Functions; 2,000.
    pub functions: u64,
    /// Locals of one function, its parameters not counted; 1,024.
    pub locals: u64,
    /// Depth of blocks, loops and ifs in one function; 100. Beyond it compilers slow down abruptly.
    pub nesting: u64,
    /// Blocks, loops and ifs in one function; 4,096.
    pub blocks: u64,
    /// How many values the compiler may have to follow through control flow: over all functions, the
    /// number of locals and of the values on the stack, times the number of places where control
    /// flow parts or meets; 2 Mi.
    pub merges: u64,
    /// Places in one function where the engine may call out: calls, loops, which look at the deadline,
    /// and instructions that work on whole memories and tables; 1,024. A compiler saves what is live
    /// around each of them, which takes it time that grows with the square of their number.
    pub calls: u64,
    /// The same places in all functions together; 16 Ki. Each becomes much code, of two bytes.
    pub module_calls: u64,
    /// Assignments to locals, each counted once for every loop around it, in all functions together;
    /// 32 Ki. The value of such a local is one of several wherever such a loop begins.
    pub assignments: u64,
    /// How many values the compiler may have to keep in registers or on the stack: over all functions,
    /// the number of locals and of the values on the stack, times the bytes of the body; 256 Mi.
    pub pressure: u64,
    /// Values that calls, blocks and branches hand on, over all functions; 64 Ki.
    pub operands: u64,
    /// Types; 1,000.
    pub types: u64,
    /// Parameters and results of one type; 64.
    pub type_values: u64,
    /// Tables; 16.
    pub tables: u64,
    /// Exports; 1,000.
    pub exports: u64,
    /// Element segments; 1,000.
    pub element_segments: u64,
    /// Items of all element segments together; 65,536.
    pub element_items: u64,
    /// Data segments; 1,000.
    pub data_segments: u64,
    /// Bytes of all data segments together; 4 MiB.
    pub data_bytes: u64,
    /// Custom sections; 64.
    pub custom_sections: u64,
    /// Bytes of all custom sections together; 1 MiB.
    pub custom_bytes: u64,
}

impl Default for ModuleCaps {
    fn default() -> Self {
        const KIB: u64 = 1024;
        const MIB: u64 = 1024 * KIB;
        Self {
            module_bytes: 8 * MIB,
            code_bytes: 512 * KIB,
            body_bytes: 128 * KIB,
            functions: 2_000,
            locals: 1_024,
            nesting: 100,
            blocks: 4_096,
            merges: 2 * MIB,
            calls: 1_024,
            module_calls: 16 * KIB,
            assignments: 32 * KIB,
            pressure: 256 * MIB,
            operands: 64 * KIB,
            types: 1_000,
            type_values: 64,
            tables: 16,
            exports: 1_000,
            element_segments: 1_000,
            element_items: 65_536,
            data_segments: 1_000,
            data_bytes: 4 * MIB,
            custom_sections: 64,
            custom_bytes: MIB,
        }
    }
}

/// Which cap of [`ModuleCaps`] a module exceeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CapKind {
    /// [`ModuleCaps::module_bytes`].
    ModuleBytes,
    /// [`ModuleCaps::code_bytes`].
    CodeBytes,
    /// [`ModuleCaps::body_bytes`].
    BodyBytes,
    /// [`ModuleCaps::functions`].
    Functions,
    /// [`ModuleCaps::locals`].
    Locals,
    /// [`ModuleCaps::nesting`].
    Nesting,
    /// [`ModuleCaps::blocks`].
    Blocks,
    /// [`ModuleCaps::merges`].
    Merges,
    /// [`ModuleCaps::calls`].
    Calls,
    /// [`ModuleCaps::module_calls`].
    ModuleCalls,
    /// [`ModuleCaps::assignments`].
    Assignments,
    /// [`ModuleCaps::pressure`].
    Pressure,
    /// [`ModuleCaps::operands`].
    Operands,
    /// [`ModuleCaps::types`].
    Types,
    /// [`ModuleCaps::type_values`].
    TypeValues,
    /// [`ModuleCaps::tables`].
    Tables,
    /// [`ModuleCaps::exports`].
    Exports,
    /// [`ModuleCaps::element_segments`].
    ElementSegments,
    /// [`ModuleCaps::element_items`].
    ElementItems,
    /// [`ModuleCaps::data_segments`].
    DataSegments,
    /// [`ModuleCaps::data_bytes`].
    DataBytes,
    /// [`ModuleCaps::custom_sections`].
    CustomSections,
    /// [`ModuleCaps::custom_bytes`].
    CustomBytes,
}

impl CapKind {
    /// A stable name for programs, in `snake_case`.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::ModuleBytes => "module_too_large",
            Self::CodeBytes => "code_too_large",
            Self::BodyBytes => "function_body_too_large",
            Self::Functions => "too_many_functions",
            Self::Locals => "too_many_locals",
            Self::Nesting => "nesting_too_deep",
            Self::Blocks => "too_many_blocks",
            Self::Merges => "control_flow_too_complex",
            Self::Calls => "too_many_calls",
            Self::ModuleCalls => "too_many_calls_together",
            Self::Assignments => "too_many_assignments",
            Self::Pressure => "too_many_live_values",
            Self::Operands => "too_many_operands",
            Self::Types => "too_many_types",
            Self::TypeValues => "type_too_large",
            Self::Tables => "too_many_tables",
            Self::Exports => "too_many_exports",
            Self::ElementSegments => "too_many_element_segments",
            Self::ElementItems => "too_many_element_items",
            Self::DataSegments => "too_many_data_segments",
            Self::DataBytes => "data_too_large",
            Self::CustomSections => "too_many_custom_sections",
            Self::CustomBytes => "custom_sections_too_large",
        }
    }
}

impl fmt::Display for CapKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ModuleBytes => "bytes of the module",
            Self::CodeBytes => "bytes of all function bodies",
            Self::BodyBytes => "bytes of a function body",
            Self::Functions => "functions",
            Self::Locals => "locals of a function",
            Self::Nesting => "nested blocks of a function",
            Self::Blocks => "blocks of a function",
            Self::Merges => "values to follow through control flow",
            Self::Calls => "calls and loops of a function",
            Self::ModuleCalls => "calls and loops of all functions",
            Self::Assignments => "assignments to locals, times the loops around them",
            Self::Pressure => "live values in all bytes of its functions",
            Self::Operands => "values that calls, blocks and branches hand on",
            Self::Types => "types",
            Self::TypeValues => "parameters and results of a type",
            Self::Tables => "tables",
            Self::Exports => "exports",
            Self::ElementSegments => "element segments",
            Self::ElementItems => "items of all element segments",
            Self::DataSegments => "data segments",
            Self::DataBytes => "bytes of all data segments",
            Self::CustomSections => "custom sections",
            Self::CustomBytes => "bytes of all custom sections",
        })
    }
}
