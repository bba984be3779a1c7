use wasm_encoder::{
    CodeSection, ConstExpr, ElementSection, Elements, ExportKind, ExportSection, Function,
    FunctionSection, GlobalSection, GlobalType, MemorySection, MemoryType, Module, RefType,
    TableSection, TableType, TypeSection, ValType,
};

/// `() -> ()`, the type of every copy.
pub(super) const PLAIN: u32 = 0;
/// [`WIDTH`] values in and as many out: all that a type may have.
pub(super) const WIDE: u32 = 1;
/// [`WIDTH`] values in and none out.
pub(super) const WIDE_IN: u32 = 2;
/// `(i32) -> (i32)`.
pub(super) const ENTRY: u32 = 3;

/// A function of type [`WIDE`] that gives back what it takes.
pub(super) const WIDE_FUNCTION: u32 = 0;
/// A function of type [`ENTRY`] that gives back what it takes.
pub(super) const NARROW_FUNCTION: u32 = 1;

/// Values of the wide types.
pub(super) const WIDTH: usize = 32;

/// Globals of type i64.
pub(super) const GLOBALS: u32 = 900;

/// A kernel module with so many copies of a function, which is never called.
pub(super) fn of(body: &Function, copies: u32) -> Vec<u8> {
    let mut module = Module::new();
    module.section(&types());
    let mut functions = FunctionSection::new();
    functions.function(WIDE).function(ENTRY).function(ENTRY);
    for _ in 0..copies {
        functions.function(PLAIN);
    }
    module.section(&functions);
    let mut tables = TableSection::new();
    tables.table(TableType {
        element_type: RefType::FUNCREF,
        table64: false,
        minimum: 16,
        maximum: None,
        shared: false,
    });
    module.section(&tables);
    let mut memories = MemorySection::new();
    memories.memory(MemoryType {
        minimum: 1,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    module.section(&memories);
    let mut globals = GlobalSection::new();
    for _ in 0..GLOBALS {
        let ty = GlobalType {
            val_type: ValType::I64,
            mutable: true,
            shared: false,
        };
        globals.global(ty, &ConstExpr::i64_const(0));
    }
    module.section(&globals);
    let mut exports = ExportSection::new();
    exports.export("memory", ExportKind::Memory, 0);
    exports.export("run", ExportKind::Func, 2);
    module.section(&exports);
    let mut elements = ElementSection::new();
    elements.active(
        None,
        &ConstExpr::i32_const(0),
        Elements::Functions([WIDE_FUNCTION, NARROW_FUNCTION].as_slice().into()),
    );
    module.section(&elements);
    let mut code = CodeSection::new();
    code.function(&wide())
        .function(&narrow())
        .function(&narrow());
    for _ in 0..copies {
        code.function(body);
    }
    module.section(&code);
    module.finish()
}

fn types() -> TypeSection {
    let mut types = TypeSection::new();
    let wide = [ValType::I32; WIDTH];
    types.ty().function([], []);
    types.ty().function(wide, wide);
    types.ty().function(wide, []);
    types.ty().function([ValType::I32], [ValType::I32]);
    types
}

fn wide() -> Function {
    let mut function = Function::new([]);
    for (param, _) in (0..).zip([(); WIDTH]) {
        function.instructions().local_get(param);
    }
    function.instructions().end();
    function
}

fn narrow() -> Function {
    let mut function = Function::new([]);
    function.instructions().local_get(0).end();
    function
}
