use wasm_encoder::{BlockType, Function, InstructionSink, MemArg, MemArgTarget, ValType};

use super::Bomb;
use super::module::{ENTRY, GLOBALS, NARROW_FUNCTION, WIDE, WIDE_FUNCTION, WIDE_IN, WIDTH};

/// A function of a given size.
pub(super) type Body = fn(u32) -> Function;

pub(super) const ALL: &[Bomb] = &[
    bomb("nothing", nothing),
    bomb("arithmetic on live locals", live_locals),
    bomb("arithmetic on live vectors", live_vectors),
    bomb("a high operand stack", high_stack),
    bomb("a high operand stack of vectors", high_vector_stack),
    bomb("locals that live across loops", locals_across_loops),
    bomb("vectors that live across loops", vectors_across_loops),
    bomb("loops that live across 1,000 locals", loops_across_locals),
    bomb("a high stack across loops", stack_across_loops),
    bomb("locals assigned in branches", assigned_in_branches),
    bomb("locals assigned in nested loops", assigned_in_loops),
    bomb("locals assigned before many exits", assigned_before_exits),
    bomb("nested loops", nested_loops),
    bomb("if after if", ifs),
    bomb("else within else", nested_elses),
    bomb("calls with 32 values", wide_calls),
    bomb("indirect calls", indirect_calls),
    bomb("narrow calls", narrow_calls),
    bomb("blocks with 32 values", wide_blocks),
    bomb("loops with 32 values", wide_loops),
    bomb("branches with 32 values", wide_branches),
    bomb("branch tables with 32 values", wide_branch_tables),
    bomb("one branch table", one_branch_table),
    bomb("branch tables of many targets", branch_tables),
    bomb("branch tables of one target", short_branch_tables),
    bomb("table growth", table_growth),
    bomb("table reads and writes", table_accesses),
    bomb("memory growth", memory_growth),
    bomb("memory copies", memory_copies),
    bomb("loads and stores", loads_and_stores),
    bomb("vector shuffles", shuffles),
    bomb("vector shifts and products", vector_shifts),
    bomb("vector constants", vector_constants),
    bomb("floats to integers", conversions),
    bomb("divisions", divisions),
    bomb("selects", selects),
    bomb("globals", globals),
    bomb("sums to be reassociated", sums),
    bomb("dead code", dead_code),
    bomb("returns", returns),
];

const fn bomb(name: &'static str, body: Body) -> Bomb {
    Bomb { name, body }
}

/// As many functions as there may be.
fn nothing(_: u32) -> Function {
    body([], |_| ())
}

fn live_locals(size: u32) -> Function {
    let locals = size.clamp(1, 1_000);
    body([(locals, ValType::I64)], |code| {
        fill(code, locals);
        for i in 0..size {
            let [to, left, right] = [i, i * 7 + 3, i * 13 + 5].map(|local| local % locals);
            code.local_get(left).local_get(right);
            if i % 2 == 0 {
                code.i64_add()
            } else {
                code.i64_xor()
            };
            code.local_set(to);
        }
        drain(code, locals);
    })
}

fn live_vectors(size: u32) -> Function {
    let locals = size.clamp(1, 1_000);
    body([(locals, ValType::V128)], |code| {
        fill_vectors(code, locals);
        for i in 0..size {
            let [to, left, right] = [i, i * 7 + 3, i * 13 + 5].map(|local| local % locals);
            code.local_get(left)
                .local_get(right)
                .f32x4_add()
                .local_set(to);
        }
        drain_vectors(code, locals);
    })
}

fn high_stack(size: u32) -> Function {
    body([], |code| {
        for i in 0..size {
            code.i32_const(0).i32_load(place(i % 120));
        }
        for _ in 1..size {
            code.i32_sub();
        }
        code.drop();
    })
}

fn high_vector_stack(size: u32) -> Function {
    body([], |code| {
        for i in 0..size {
            code.i32_const(0).v128_load(place(i % 120));
        }
        for _ in 1..size {
            code.f32x4_sub();
        }
        code.drop();
    })
}

/// As many locals as loops.
fn locals_across_loops(size: u32) -> Function {
    body([(size, ValType::I64)], |code| {
        fill(code, size);
        empty_loops(code, size);
        drain(code, size);
    })
}

fn vectors_across_loops(size: u32) -> Function {
    body([(size, ValType::V128)], |code| {
        fill_vectors(code, size);
        empty_loops(code, size);
        drain_vectors(code, size);
    })
}

fn loops_across_locals(size: u32) -> Function {
    body([(1_000, ValType::I64)], |code| {
        fill(code, 1_000);
        empty_loops(code, size);
        drain(code, 1_000);
    })
}

fn stack_across_loops(size: u32) -> Function {
    body([], |code| {
        for i in 0..size {
            code.i32_const(0).i32_load(place(i % 120));
        }
        empty_loops(code, size);
        for _ in 1..size {
            code.i32_sub();
        }
        code.drop();
    })
}

fn assigned_in_branches(size: u32) -> Function {
    let locals = size.clamp(1, 500);
    body([(locals, ValType::I32)], |code| {
        for i in 0..size {
            let local = i % locals;
            code.local_get((i + 1) % locals).if_(BlockType::Empty);
            code.local_get((i + 2) % locals).local_set(local);
            code.end();
        }
        for local in 0..locals {
            code.i32_const(0).local_get(local).i32_store(place(0));
        }
    })
}

fn assigned_in_loops(size: u32) -> Function {
    let depth = 90;
    body([(size, ValType::I32)], |code| {
        for _ in 0..depth {
            code.loop_(BlockType::Empty);
        }
        for local in 0..size {
            code.local_get(local)
                .i32_const(1)
                .i32_add()
                .local_set(local);
        }
        for _ in 0..depth {
            code.local_get(0).br_if(0).end();
        }
    })
}

/// What made the policy count merges: every assignment meets every exit.
fn assigned_before_exits(size: u32) -> Function {
    let depth = 90;
    body([(size, ValType::I32)], |code| {
        for _ in 0..depth {
            code.block(BlockType::Empty);
        }
        for exit in 0..depth {
            code.local_get(0).br_if(exit);
        }
        for local in 0..size {
            code.local_get(local)
                .i32_const(1)
                .i32_add()
                .local_set(local);
        }
        for _ in 0..depth {
            code.end();
        }
    })
}

fn nested_loops(size: u32) -> Function {
    let depth = size.min(90);
    body([(1, ValType::I32)], |code| {
        for _ in 0..size / 90 + 1 {
            for _ in 0..depth {
                code.loop_(BlockType::Empty);
            }
            for _ in 0..depth {
                code.local_get(0).br_if(0).end();
            }
        }
    })
}

fn ifs(size: u32) -> Function {
    body([(1, ValType::I32)], |code| {
        for _ in 0..size {
            code.local_get(0).if_(BlockType::Empty);
            code.local_get(0).i32_const(1).i32_add().local_set(0);
            code.else_();
            code.local_get(0).i32_const(3).i32_mul().local_set(0);
            code.end();
        }
    })
}

fn nested_elses(size: u32) -> Function {
    let depth = 90;
    let locals = size.clamp(1, 100);
    body([(locals, ValType::I32)], |code| {
        for turn in 0..size / 30 + 1 {
            for _ in 0..depth {
                code.local_get(turn % locals).if_(BlockType::Empty);
                code.i32_const(1).local_set((turn + 1) % locals).else_();
            }
            for _ in 0..depth {
                code.end();
            }
        }
    })
}

fn wide_calls(size: u32) -> Function {
    body([], |code| {
        push_wide(code);
        for _ in 0..size {
            code.call(WIDE_FUNCTION);
        }
        pop_wide(code);
    })
}

fn indirect_calls(size: u32) -> Function {
    body([], |code| {
        code.i32_const(0);
        for _ in 0..size {
            code.i32_const(1).call_indirect(0, ENTRY);
        }
        code.drop();
    })
}

fn narrow_calls(size: u32) -> Function {
    body([], |code| {
        code.i32_const(0);
        for _ in 0..size {
            code.call(NARROW_FUNCTION);
        }
        code.drop();
    })
}

fn wide_blocks(size: u32) -> Function {
    body([], |code| {
        push_wide(code);
        for _ in 0..size {
            code.block(BlockType::FunctionType(WIDE)).end();
        }
        pop_wide(code);
    })
}

fn wide_loops(size: u32) -> Function {
    body([], |code| {
        push_wide(code);
        for _ in 0..size {
            code.loop_(BlockType::FunctionType(WIDE)).end();
        }
        pop_wide(code);
    })
}

fn wide_branches(size: u32) -> Function {
    body([(1, ValType::I32)], |code| {
        push_wide(code);
        code.block(BlockType::FunctionType(WIDE));
        for _ in 0..size {
            code.local_get(0).br_if(0);
        }
        code.end();
        pop_wide(code);
    })
}

fn wide_branch_tables(size: u32) -> Function {
    body([(1, ValType::I32)], |code| {
        for _ in 0..size {
            for _ in 0..4 {
                code.block(BlockType::FunctionType(WIDE));
            }
            code.local_get(0).br_table([0, 1, 2, 3], 0);
            for _ in 0..4 {
                code.end();
            }
        }
    })
    .surrounded_by_wide()
}

/// Values below and above what a body with a wide type on its stack does.
trait Surrounded {
    fn surrounded_by_wide(self) -> Self;
}

impl Surrounded for Function {
    fn surrounded_by_wide(self) -> Self {
        let inner = self.into_raw_body();
        // One group of one local, and the last byte is the end.
        let mut function = Function::new([(1, ValType::I32)]);
        push_wide(&mut function.instructions());
        function.raw(inner[3..inner.len() - 1].iter().copied());
        let mut code = function.instructions();
        pop_wide(&mut code);
        code.end();
        function
    }
}

fn one_branch_table(size: u32) -> Function {
    body([(1, ValType::I32)], |code| {
        for _ in 0..90 {
            code.block(BlockType::Empty);
        }
        let targets: Vec<u32> = (0..size).map(|i| i % 90).collect();
        code.local_get(0).br_table(targets, 0);
        for _ in 0..90 {
            code.end();
        }
    })
}

fn branch_tables(size: u32) -> Function {
    tables_of_targets(size, 80)
}

fn short_branch_tables(size: u32) -> Function {
    tables_of_targets(size, 1)
}

fn tables_of_targets(size: u32, targets: u32) -> Function {
    body([(1, ValType::I32)], |code| {
        for _ in 0..90 {
            code.block(BlockType::Empty);
        }
        for _ in 0..size {
            code.block(BlockType::Empty).local_get(0);
            code.br_table((0..targets).collect::<Vec<_>>(), 0).end();
        }
        for _ in 0..90 {
            code.end();
        }
    })
}

fn table_growth(size: u32) -> Function {
    body([], |code| {
        for _ in 0..size {
            code.ref_null(wasm_encoder::HeapType::FUNC).i32_const(1);
            code.table_grow(0).drop();
        }
    })
}

fn table_accesses(size: u32) -> Function {
    body([], |code| {
        for _ in 0..size {
            code.i32_const(0).i32_const(1).table_get(0).table_set(0);
        }
    })
}

fn memory_growth(size: u32) -> Function {
    body([], |code| {
        code.i32_const(0);
        for _ in 0..size {
            code.memory_grow(0);
        }
        code.drop();
    })
}

fn memory_copies(size: u32) -> Function {
    body([(1, ValType::I32)], |code| {
        for _ in 0..size {
            code.local_get(0)
                .local_get(0)
                .local_get(0)
                .memory_copy(0, 0);
        }
    })
}

fn loads_and_stores(size: u32) -> Function {
    body([(2, ValType::I32)], |code| {
        for _ in 0..size {
            code.local_get(0)
                .local_get(1)
                .i32_load8_u(place(9))
                .i32_store16(place(5));
        }
    })
}

fn shuffles(size: u32) -> Function {
    body([(2, ValType::V128)], |code| {
        code.local_get(0);
        for turn in (0..32).cycle().zip(0..size).map(|(turn, _)| turn) {
            let mut lane = turn;
            let lanes = std::array::from_fn(|_| {
                lane = (lane + 7) % 32;
                lane
            });
            code.local_get(1).i8x16_shuffle(lanes);
        }
        code.local_set(0);
    })
}

fn vector_shifts(size: u32) -> Function {
    body([(2, ValType::V128), (1, ValType::I32)], |code| {
        code.local_get(0);
        for i in 0..size {
            match i % 4 {
                0 => code.local_get(2).i8x16_shr_s(),
                1 => code.local_get(1).i64x2_mul(),
                2 => code.i32x4_trunc_sat_f32x4_u(),
                _ => code.i8x16_popcnt(),
            };
        }
        code.local_set(0);
    })
}

fn vector_constants(size: u32) -> Function {
    body([(1, ValType::V128)], |code| {
        code.local_get(0);
        for i in 0..size {
            code.v128_const(i128::from(i) * 0x0123_4567_89ab_cdef_0011)
                .v128_xor();
        }
        code.local_set(0);
    })
}

fn conversions(size: u32) -> Function {
    body([(1, ValType::F64)], |code| {
        code.local_get(0);
        for _ in 0..size {
            code.i64_trunc_f64_u().f64_convert_i64_u();
        }
        code.local_set(0);
    })
}

fn divisions(size: u32) -> Function {
    body([(1, ValType::I64)], |code| {
        code.local_get(0);
        for _ in 0..size {
            code.local_get(0).i64_rem_s();
        }
        code.local_set(0);
    })
}

fn selects(size: u32) -> Function {
    body([(2, ValType::I32)], |code| {
        code.local_get(0);
        for _ in 0..size {
            code.local_get(1).local_get(0).select();
        }
        code.local_set(0);
    })
}

fn globals(size: u32) -> Function {
    body([], |code| {
        for i in 0..size {
            code.global_get(i % GLOBALS).global_set((i + 7) % GLOBALS);
        }
    })
}

fn sums(size: u32) -> Function {
    body([(2, ValType::I32)], |code| {
        code.local_get(0);
        for i in 0..size {
            match i % 4 {
                0 => code.i32_const(1).i32_add(),
                1 => code.local_get(1).i32_and(),
                2 => code.local_get(1).i32_or(),
                _ => code.i32_const(2).i32_xor(),
            };
        }
        code.local_set(0);
    })
}

fn dead_code(size: u32) -> Function {
    body([(1, ValType::I32)], |code| {
        code.unreachable();
        for _ in 0..size {
            code.block(BlockType::Empty).end();
            code.local_get(0).drop();
        }
    })
}

fn returns(size: u32) -> Function {
    body([(1, ValType::I32)], |code| {
        for _ in 0..size {
            code.local_get(0).br_if(0);
        }
    })
}

fn body<const GROUPS: usize>(
    locals: [(u32, ValType); GROUPS],
    write: impl FnOnce(&mut InstructionSink<'_>),
) -> Function {
    let mut function = Function::new(locals);
    let mut code = function.instructions();
    write(&mut code);
    code.end();
    function
}

fn fill(code: &mut InstructionSink<'_>, locals: u32) {
    for local in 0..locals {
        code.i32_const(0)
            .i64_load(place(local % 120))
            .local_set(local);
    }
}

fn drain(code: &mut InstructionSink<'_>, locals: u32) {
    for local in 0..locals {
        code.i32_const(0)
            .local_get(local)
            .i64_store(place(local % 120));
    }
}

fn fill_vectors(code: &mut InstructionSink<'_>, locals: u32) {
    for local in 0..locals {
        code.i32_const(0)
            .v128_load(place(local % 120))
            .local_set(local);
    }
}

fn drain_vectors(code: &mut InstructionSink<'_>, locals: u32) {
    for local in 0..locals {
        code.i32_const(0)
            .local_get(local)
            .v128_store(place(local % 120));
    }
}

fn empty_loops(code: &mut InstructionSink<'_>, count: u32) {
    for _ in 0..count {
        code.loop_(BlockType::Empty).end();
    }
}

fn push_wide(code: &mut InstructionSink<'_>) {
    for _ in 0..WIDTH {
        code.i32_const(0).i32_load(place(0));
    }
}

/// Takes them by a block, so that it costs no instruction for each.
fn pop_wide(code: &mut InstructionSink<'_>) {
    code.block(BlockType::FunctionType(WIDE_IN));
    for _ in 0..WIDTH {
        code.drop();
    }
    code.end();
}

fn place(offset: u32) -> MemArg {
    MemArg {
        offset: offset.into(),
        align: 0,
        target: MemArgTarget::Memory(0),
        ordering: None,
    }
}
