use kpack_schema::Feature;
use wasm_encoder::reencode::Reencode;
use wasm_encoder::{BlockType, Function, InstructionSink, MemArg, MemArgTarget, RefType, ValType};

use super::{Harness, Result, index};
use crate::choices::StatusSource;
use crate::inputs::{CELL_BYTES, INPUT_BYTES, TURNS};
use crate::observation::{OUTPUT_BYTES, SLOT_BYTES, Slot};

// The locals of the entry point, behind its parameter.
const DESCRIPTOR: u32 = 0;
const INPUT: u32 = 1;
const OUTPUT: u32 = 2;
const AT: u32 = 3;
const STOP: u32 = 4;
const STATUS: u32 = 5;
const HELD_I32: u32 = 6;
const CHECKSUM: u32 = 7;
const HELD_I64: u32 = 8;
const HELD_F32: u32 = 9;
const HELD_F64: u32 = 10;
/// Only there where the module has vectors.
const HELD_V128: u32 = 11;

impl Harness<'_> {
    /// The body of the entry point.
    pub(super) fn entry_point(&mut self) -> Result<Function> {
        let mut locals = vec![
            (6, ValType::I32),
            (2, ValType::I64),
            (1, ValType::F32),
            (1, ValType::F64),
        ];
        let called = self.called();
        if self.has_vectors(&called)? {
            locals.push((1, ValType::V128));
        }
        let mut function = Function::new(locals);
        let mut code = function.instructions();
        load_pointers(&mut code);
        if let Some((global, amount)) = self.fuel {
            code.i32_const(amount.cast_signed()).global_set(global);
        }
        for (turn, function) in called.into_iter().enumerate() {
            // The first cell of the input says which function a call is for.
            code.local_get(INPUT).i32_load(place(0, 2));
            code.i32_const(i32_of(turn)).i32_eq().if_(BlockType::Empty);
            self.call(&mut code, function)?;
            code.end();
        }
        self.observe_memory(&mut code);
        self.observe_tables(&mut code);
        self.observe_globals(&mut code);
        match self.choices.status {
            StatusSource::AlwaysOk => code.i32_const(0),
            StatusSource::Results => code.local_get(STATUS).i32_const(7).i32_and(),
        };
        code.end();
        Ok(function)
    }

    fn called(&mut self) -> Vec<u32> {
        let mut pick = || index(self.chance.below(self.functions.len()));
        (0..TURNS).map(|_| pick()).collect()
    }

    fn has_vectors(&mut self, called: &[u32]) -> Result<bool> {
        let mut types = self.globals.clone();
        for &function in called {
            types.extend(self.signature(function)?.1);
        }
        Ok(types.contains(&ValType::V128))
    }

    /// The parameters and results of a function.
    fn signature(&mut self, function: u32) -> Result<(Vec<ValType>, Vec<ValType>)> {
        let ty = self.functions[usize::try_from(function).expect("an index of a vector")];
        let ty = self.types[usize::try_from(ty).expect("an index of a vector")].clone();
        let mut converted = |types: &[wasmparser::ValType]| {
            let types = types.iter().map(|&ty| self.val_type(ty));
            types.collect::<Result<Vec<_>>>()
        };
        Ok((converted(ty.params())?, converted(ty.results())?))
    }

    /// Calls a function with the further cells of the input, and keeps its results.
    fn call(&mut self, code: &mut InstructionSink<'_>, function: u32) -> Result<()> {
        let (params, results) = self.signature(function)?;
        for (param, ty) in params.into_iter().enumerate() {
            load(code, ty, (1 + param) * CELL_BYTES % INPUT_BYTES);
        }
        self.call_or_call_indirectly(code, function);
        for &ty in results.iter().rev() {
            hold(code, ty);
            self.store_held(code, ty);
        }
        Ok(())
    }

    /// Now and then the call goes through a slot of a table, which may hold another function or none.
    fn call_or_call_indirectly(&mut self, code: &mut InstructionSink<'_>, function: u32) {
        if self.tables == 0 || !self.chance.once_in(10) {
            code.call(function);
            return;
        }
        let tables = usize::try_from(self.tables).expect("there are few tables");
        let table = index(self.chance.below(tables));
        code.local_get(INPUT)
            .i32_load(place(INPUT_BYTES - CELL_BYTES, 2));
        code.i32_const(7).i32_and();
        let ty = self.functions[usize::try_from(function).expect("an index of a vector")];
        code.call_indirect(table, ty);
    }

    /// A checksum of the memory before and behind the arena of the call, and its size.
    fn observe_memory(&mut self, code: &mut InstructionSink<'_>) {
        code.i32_const(0).local_set(AT);
        code.local_get(DESCRIPTOR).local_set(STOP);
        checksum_memory(code);
        code.local_get(OUTPUT)
            .i32_const(i32_of(OUTPUT_BYTES + 7))
            .i32_add()
            .i32_const(-8)
            .i32_and()
            .local_set(AT);
        code.memory_size(0).i32_const(16).i32_shl().local_set(STOP);
        checksum_memory(code);
        code.local_get(CHECKSUM).local_set(HELD_I64);
        self.store_held(code, ValType::I64);
        code.memory_size(0).local_set(HELD_I32);
        self.store_held(code, ValType::I32);
    }

    /// The size of each table and which of its slots are null. Without reference types a module
    /// cannot change a table.
    fn observe_tables(&mut self, code: &mut InstructionSink<'_>) {
        if !self.choices.features.contains(&Feature::ReferenceTypes) {
            return;
        }
        for table in 0..self.tables {
            code.i64_const(0).local_set(CHECKSUM);
            code.i32_const(0).local_set(AT);
            code.table_size(table).local_set(STOP);
            checksum(code, 1, |code| {
                code.local_get(AT).table_get(table).ref_is_null();
                code.i64_extend_i32_u();
            });
            code.local_get(CHECKSUM).local_set(HELD_I64);
            self.store_held(code, ValType::I64);
            code.table_size(table).local_set(HELD_I32);
            self.store_held(code, ValType::I32);
        }
    }

    fn observe_globals(&mut self, code: &mut InstructionSink<'_>) {
        for global in 0..self.globals.len() {
            let ty = self.globals[global];
            code.global_get(index(global));
            hold(code, ty);
            self.store_held(code, ty);
        }
    }

    /// Stores the value that is held in the next slot, as long as there are any.
    fn store_held(&mut self, code: &mut InstructionSink<'_>, ty: ValType) {
        let at = self.slots.len() * SLOT_BYTES;
        if at >= OUTPUT_BYTES {
            return;
        }
        code.local_get(OUTPUT);
        let slot = match ty {
            ValType::I64 => {
                code.local_get(HELD_I64).i64_store(place(at, 3));
                Slot::Bits
            }
            ValType::F32 => {
                code.local_get(HELD_F32).f32_store(place(at, 2));
                Slot::F32
            }
            ValType::F64 => {
                code.local_get(HELD_F64).f64_store(place(at, 3));
                Slot::F64
            }
            ValType::V128 => {
                code.local_get(HELD_V128).v128_store(place(at, 4));
                Slot::Bits
            }
            ValType::I32 | ValType::Ref(_) => {
                code.local_get(HELD_I32).i32_store(place(at, 2));
                Slot::Bits
            }
        };
        self.slots.push(slot);
    }
}

fn load_pointers(code: &mut InstructionSink<'_>) {
    // The descriptor holds the address of the input at byte 0 and of the output at byte 16.
    for (offset, pointer) in [(0, INPUT), (16, OUTPUT)] {
        code.local_get(DESCRIPTOR)
            .i32_load(place(offset, 2))
            .local_set(pointer);
    }
}

/// Pushes a value of the input, or null.
fn load(code: &mut InstructionSink<'_>, ty: ValType, offset: usize) {
    if let ValType::Ref(RefType { heap_type, .. }) = ty {
        code.ref_null(heap_type);
        return;
    }
    code.local_get(INPUT);
    match ty {
        ValType::I64 => code.i64_load(place(offset, 3)),
        ValType::F32 => code.f32_load(place(offset, 2)),
        ValType::F64 => code.f64_load(place(offset, 3)),
        ValType::V128 => code.v128_load(place(offset, 4)),
        ValType::I32 | ValType::Ref(_) => code.i32_load(place(offset, 2)),
    };
}

/// Pops a value into the local for its type; of a reference, whether it is null. An integer shows
/// in the status as well.
fn hold(code: &mut InstructionSink<'_>, ty: ValType) {
    match ty {
        ValType::I32 => code
            .local_tee(HELD_I32)
            .local_get(STATUS)
            .i32_xor()
            .local_set(STATUS),
        ValType::I64 => code.local_set(HELD_I64),
        ValType::F32 => code.local_set(HELD_F32),
        ValType::F64 => code.local_set(HELD_F64),
        ValType::V128 => code.local_set(HELD_V128),
        ValType::Ref(_) => code.ref_is_null().local_set(HELD_I32),
    };
}

fn checksum_memory(code: &mut InstructionSink<'_>) {
    checksum(code, 8, |code| {
        code.local_get(AT).i64_load(place(0, 3));
    });
}

/// Mixes what `item` pushes into the checksum, for each step from `AT` to before `STOP`.
fn checksum(code: &mut InstructionSink<'_>, step: i32, item: impl Fn(&mut InstructionSink<'_>)) {
    code.block(BlockType::Empty).loop_(BlockType::Empty);
    code.local_get(AT).local_get(STOP).i32_ge_u().br_if(1);
    code.local_get(CHECKSUM).i64_const(5).i64_rotl();
    item(code);
    code.i64_xor().i64_const(0x517c_c1b7_2722_0a95).i64_mul();
    code.local_set(CHECKSUM);
    code.local_get(AT).i32_const(step).i32_add().local_set(AT);
    code.br(0).end().end();
}

fn place(offset: usize, align: u32) -> MemArg {
    MemArg {
        offset: u64::try_from(offset).expect("an offset in a tensor"),
        align,
        target: MemArgTarget::Memory(0),
        ordering: None,
    }
}

fn i32_of(bytes: usize) -> i32 {
    i32::try_from(bytes).expect("a tensor is small")
}
