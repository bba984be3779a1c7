use std::sync::OnceLock;

use wasmer::sys::wasmparser::{BlockType, Operator};
use wasmer::sys::{FunctionMiddleware, MiddlewareError, MiddlewareReaderState, ModuleMiddleware};
use wasmer::{
    ExportIndex, GlobalInit, GlobalType, LocalFunctionIndex, ModuleInfo, Mutability, Type,
};

/// The name under which the host finds the deadline. No entry point contains such a character.
pub(super) const DEADLINE_EXPORT: &str = "\0deadline";

/// What the deadline is set to where a call ends because it has passed. The trap itself is that of
/// an `unreachable` of the kernel's own.
pub(super) const DEADLINE_PASSED: i64 = -1;

/// Adds to a module's code what makes two of its limits bind.
///
/// * At the start of every function and of every turn of a loop, the clock is compared with the
///   deadline. The clock is a global that the host writes to. The compiler would read it only once,
///   before a loop, if the loop did not store to any global: so each comparison does.
/// * `table.grow` counts the elements of all tables together, and gives -1 past the limit.
///
/// All of it lies in further globals. The module was validated without them, so the kernel cannot
/// name them.
#[derive(Debug)]
pub(super) struct Guards {
    table_elements: u32,
    indices: OnceLock<Indices>,
}

impl Guards {
    pub(super) fn new(table_elements: u32) -> Self {
        Self {
            table_elements,
            indices: OnceLock::new(),
        }
    }
}

/// Where the additions stand in the module.
#[derive(Debug, Clone, Copy)]
struct Indices {
    /// The last global, where [`ClockPlace`](super::tunables::ClockPlace) looks for it.
    clock: u32,
    deadline: u32,
    /// What is stored to before the clock is read.
    barrier: u32,
    /// Elements that the tables may still grow by.
    table_room: u32,
    /// The operand and the result of a `table.grow`.
    table_delta: u32,
    table_result: u32,
}

impl ModuleMiddleware for Guards {
    fn transform_module_info(&self, module: &mut ModuleInfo) -> Result<(), MiddlewareError> {
        let declared: u64 = module.tables.values().map(|t| u64::from(t.minimum)).sum();
        let room = u64::from(self.table_elements)
            .checked_sub(declared)
            .and_then(|room| u32::try_from(room).ok())
            .ok_or_else(|| error("the tables are larger than their limit"))?;
        let mut global = |ty, initial| {
            module.global_initializers.push(initial);
            module.globals.push(GlobalType::new(ty, Mutability::Var))
        };
        let deadline = global(Type::I64, GlobalInit::I64Const(0));
        let mut count =
            |value: u32| global(Type::I32, GlobalInit::I32Const(value.cast_signed())).as_u32();
        let indices = Indices {
            deadline: deadline.as_u32(),
            barrier: count(0),
            table_room: count(room),
            table_delta: count(0),
            table_result: count(0),
            clock: global(Type::I64, GlobalInit::I64Const(0)).as_u32(),
        };
        let name = DEADLINE_EXPORT.to_owned();
        module.exports.insert(name, ExportIndex::Global(deadline));
        self.indices
            .set(indices)
            .map_err(|_| error("guards are for one module"))
    }

    fn generate_function_middleware<'a>(
        &self,
        _: LocalFunctionIndex,
    ) -> Box<dyn FunctionMiddleware<'a> + 'a> {
        let indices = self.indices.get();
        Box::new(FunctionGuards {
            indices: *indices.expect("a module's functions come after its own description"),
            place: Place::Start,
        })
    }
}

fn error(message: &str) -> MiddlewareError {
    MiddlewareError::new("kpack", message)
}

#[derive(Debug)]
struct FunctionGuards {
    indices: Indices,
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Start,
    Body,
}

impl<'a> FunctionMiddleware<'a> for FunctionGuards {
    fn feed(
        &mut self,
        operator: Operator<'a>,
        state: &mut MiddlewareReaderState<'a>,
    ) -> Result<(), MiddlewareError> {
        if self.place == Place::Start {
            self.place = Place::Body;
            state.extend(&self.indices.deadline_check());
        }
        match operator {
            Operator::Loop { .. } => {
                state.push_operator(operator);
                state.extend(&self.indices.deadline_check());
            }
            Operator::TableGrow { .. } => state.extend(&self.indices.counted(operator)),
            _ => state.push_operator(operator),
        }
        Ok(())
    }
}

impl Indices {
    fn deadline_check<'a>(self) -> [Operator<'a>; 10] {
        let get = |global_index| Operator::GlobalGet { global_index };
        let set = |global_index| Operator::GlobalSet { global_index };
        [
            Operator::I32Const { value: 0 },
            set(self.barrier),
            get(self.clock),
            get(self.deadline),
            Operator::I64GeU,
            Operator::If {
                blockty: BlockType::Empty,
            },
            Operator::I64Const {
                value: DEADLINE_PASSED,
            },
            set(self.deadline),
            Operator::Unreachable,
            Operator::End,
        ]
    }

    /// `table.grow`, which takes a value and a count and gives the old size or -1.
    fn counted(self, table_grow: Operator<'_>) -> [Operator<'_>; 19] {
        let get = |global_index| Operator::GlobalGet { global_index };
        let set = |global_index| Operator::GlobalSet { global_index };
        [
            set(self.table_delta),
            // Past what is left, a count that no table can grow by.
            get(self.table_delta),
            Operator::I32Const { value: -1 },
            get(self.table_delta),
            get(self.table_room),
            Operator::I32LeU,
            Operator::Select,
            table_grow,
            set(self.table_result),
            get(self.table_room),
            get(self.table_delta),
            Operator::I32Const { value: 0 },
            get(self.table_result),
            Operator::I32Const { value: -1 },
            Operator::I32Ne,
            Operator::Select,
            Operator::I32Sub,
            set(self.table_room),
            get(self.table_result),
        ]
    }
}
