use std::fmt;

/// How large a module may be, so that to validate and to compile it takes bounded time.
///
/// The defaults leave room for kernels of a few MiB; a compiler's time grows faster than a single
/// function's size, so functions are capped harder than modules. The worst modules that were tried
/// within the default caps compile in 9 s on one core; without [`merges`](Self::merges) they take
/// minutes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleCaps {
    /// Bytes of the module; 8 MiB.
    pub module_bytes: u64,
    /// Bytes of all function bodies together; 4 MiB.
    pub code_bytes: u64,
    /// Bytes of one function body; 256 KiB.
    pub body_bytes: u64,
    /// Functions; 10,000.
    pub functions: u64,
    /// Locals of one function, its parameters not counted; 2,048.
    pub locals: u64,
    /// Depth of blocks, loops and ifs in one function; 100. Beyond it compilers slow down abruptly.
    pub nesting: u64,
    /// Blocks, loops and ifs in one function; 8,192.
    pub blocks: u64,
    /// How many values the compiler may have to merge where control flow meets: over all functions,
    /// the number of locals times the sum of the depths at which a local is assigned; 64 Mi.
    pub merges: u64,
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
            code_bytes: 4 * MIB,
            body_bytes: 256 * KIB,
            functions: 10_000,
            locals: 2_048,
            nesting: 100,
            blocks: 8_192,
            merges: 64 * MIB,
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
            Self::Merges => "values to merge in control flow",
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
