use wasmparser::{FuncValidator, Operator, WasmModuleResources};

/// What makes one function's control flow costly to compile, counted on the way.
///
/// A compiler keeps, for every value that lives on, an entry at each place where control flow parts
/// or meets: a parameter of a block, or a piece of a live range. So their product is what bounds its
/// time and memory, whatever the function is made of.
#[derive(Default)]
pub(super) struct Flow {
    blocks: u64,
    calls: u64,
    /// Places where control flow parts or meets.
    places: u64,
    /// The most values that were on the operand stack at once.
    height: u32,
    /// Assignments to locals, each once for every loop around it.
    assignments: u64,
    /// What the open blocks are, outermost first.
    open: Vec<Kind>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Loop,
    Other,
}

impl Flow {
    /// Counts a valid operator, with the height of the stack behind it.
    pub(super) fn add(&mut self, operator: &Operator<'_>, height: u32) {
        self.height = self.height.max(height);
        let places = match operator {
            Operator::Block { .. } | Operator::Else | Operator::Br { .. } => 1,
            Operator::Loop { .. } | Operator::If { .. } | Operator::BrIf { .. } => 2,
            Operator::BrTable { targets } => u64::from(targets.len()) + 1,
            _ => 0,
        };
        match operator {
            Operator::Loop { .. } => self.open.push(Kind::Loop),
            Operator::Block { .. } | Operator::If { .. } => self.open.push(Kind::Other),
            // The last one ends the function itself.
            Operator::End => drop(self.open.pop()),
            Operator::LocalSet { .. } | Operator::LocalTee { .. } => {
                let loops = self.open.iter().filter(|&&kind| kind == Kind::Loop);
                let loops = u64::try_from(loops.count()).unwrap_or(u64::MAX);
                self.assignments = self.assignments.saturating_add(loops);
            }
            _ => {}
        }
        self.blocks += u64::from(opens_block(operator));
        self.calls += u64::from(may_call_out(operator));
        self.places = self.places.saturating_add(places);
    }

    /// Blocks, loops and ifs.
    pub(super) const fn blocks(&self) -> u64 {
        self.blocks
    }

    /// Places where the engine may call out.
    pub(super) const fn calls(&self) -> u64 {
        self.calls
    }

    /// Assignments to locals, each once for every loop around it.
    pub(super) const fn assignments(&self) -> u64 {
        self.assignments
    }

    /// How many values the compiler may have to follow through control flow, in a function with so
    /// many locals.
    pub(super) fn merges(&self, locals: u32) -> u64 {
        self.values(locals).saturating_mul(self.places)
    }

    /// How many values may be live, over all bytes of a body with so many locals.
    pub(super) fn pressure(&self, locals: u32, body_bytes: u64) -> u64 {
        self.values(locals).saturating_mul(body_bytes)
    }

    fn values(&self, locals: u32) -> u64 {
        u64::from(locals).saturating_add(self.height.into())
    }
}

/// Whether an engine turns the operator into a call: of a function, of itself, or at the start of a
/// loop where the deadline may have passed.
const fn may_call_out(operator: &Operator<'_>) -> bool {
    matches!(
        operator,
        Operator::Call { .. }
            | Operator::CallIndirect { .. }
            | Operator::Loop { .. }
            | Operator::MemoryGrow { .. }
            | Operator::MemorySize { .. }
            | Operator::MemoryCopy { .. }
            | Operator::MemoryFill { .. }
            | Operator::MemoryInit { .. }
            | Operator::DataDrop { .. }
            | Operator::ElemDrop { .. }
            | Operator::RefFunc { .. }
            | Operator::TableCopy { .. }
            | Operator::TableFill { .. }
            | Operator::TableGet { .. }
            | Operator::TableGrow { .. }
            | Operator::TableInit { .. }
            | Operator::TableSet { .. }
            | Operator::TableSize { .. }
    )
}

pub(super) const fn opens_block(operator: &Operator<'_>) -> bool {
    matches!(
        operator,
        Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. }
    )
}

/// The values that a call, a block or a branch takes and gives, which may be many for an operator of
/// two bytes. All other operators have a few.
pub(super) fn handed_on<T: WasmModuleResources>(
    operator: &Operator<'_>,
    validator: &FuncValidator<T>,
) -> u64 {
    let times = match operator {
        Operator::BrTable { targets } => u64::from(targets.len()) + 1,
        Operator::Block { .. }
        | Operator::Loop { .. }
        | Operator::If { .. }
        | Operator::Else
        | Operator::End
        | Operator::Br { .. }
        | Operator::BrIf { .. }
        | Operator::Return
        | Operator::Call { .. }
        | Operator::CallIndirect { .. } => 1,
        _ => return 0,
    };
    // An operator without an arity is not valid, which the validator is about to say.
    let (takes, gives) = operator.operator_arity(validator).unwrap_or_default();
    times.saturating_mul(u64::from(takes) + u64::from(gives))
}
