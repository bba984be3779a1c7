use arbitrary::Unstructured;
use kpack_schema::Feature;
use wasm_smith::{Config, InstructionKind, InstructionKinds, Module};

use crate::chance::Chance;
use crate::choices::{Choices, End, Flow, Nans, Traps};

/// A module as the generator makes it, before it has the form of a kernel.
pub(crate) struct Generated {
    pub(crate) bytes: Vec<u8>,
    /// The global that counts down to the end of a call, and what it starts from.
    pub(crate) fuel: Option<(u32, u32)>,
}

/// Generates a valid module. It may still use what the static policy refuses.
pub(crate) fn generate(choices: &Choices, chance: &mut Chance) -> Generated {
    loop {
        // Not all bytes make a module; then the next ones are tried.
        let dna = chance.bytes(choices.dna_bytes);
        let mut dna = Unstructured::new(&dna);
        let Ok(mut module) = Module::new(config(choices, chance), &mut dna) else {
            continue;
        };
        let fuel = match choices.end {
            End::Limits => None,
            End::Fuel(amount) => {
                let global = module.ensure_termination(amount);
                Some((global.expect("no function is made of raw bytes"), amount))
            }
        };
        return Generated {
            bytes: module.to_bytes(),
            fuel,
        };
    }
}

/// What the static policy can pass, with memory and functions for certain.
fn config(choices: &Choices, chance: &mut Chance) -> Config {
    let has = |feature| choices.features.contains(&feature);
    Config {
        bulk_memory_enabled: has(Feature::BulkMemory),
        reference_types_enabled: has(Feature::ReferenceTypes),
        simd_enabled: has(Feature::Simd),
        multi_value_enabled: true,
        saturating_float_to_int_enabled: true,
        sign_extension_ops_enabled: true,
        disallow_traps: choices.traps == Traps::Avoided,
        canonicalize_nans: choices.nans == Nans::Alike,
        allowed_instructions: instructions(choices.flow),
        min_types: 2 + chance.below(6),
        max_types: 24,
        min_funcs: 1 + chance.below(6),
        max_funcs: 12,
        min_globals: chance.below(6),
        max_globals: 16,
        min_memories: 1,
        max_memories: 1,
        max_memory32_bytes: choices.module_pages * 65_536,
        min_tables: u32::from(!chance.once_in(3)),
        max_tables: 4,
        max_table_elements: choices.table_elements,
        min_element_segments: chance.below(4),
        max_element_segments: 6,
        max_elements: 24,
        min_data_segments: chance.below(3),
        max_data_segments: 6,
        // The bytes run out first. A cap would cut a module and its twin at different places.
        max_instructions: usize::MAX,
        max_nesting_depth: 8,
        // Values that a function does not use are then gathered in globals, which are compared.
        export_everything: true,
        ..never()
    }
}

fn instructions(flow: Flow) -> InstructionKinds {
    match flow {
        Flow::Any => InstructionKinds::all(),
        Flow::StraightOn => InstructionKinds::new(&[
            InstructionKind::Numeric,
            InstructionKind::Vector,
            InstructionKind::Reference,
            InstructionKind::Parametric,
            InstructionKind::Variable,
            InstructionKind::Table,
            InstructionKind::Memory,
        ]),
    }
}

/// What no manifest can name, or no kernel may have.
fn never() -> Config {
    Config {
        max_imports: 0,
        allow_start_export: false,
        allow_invalid_funcs: false,
        generate_custom_sections: false,
        max_tags: 0,
        memory64_enabled: false,
        threads_enabled: false,
        shared_everything_threads_enabled: false,
        acquire_release_atomics_enabled: false,
        gc_enabled: false,
        custom_descriptors_enabled: false,
        multibyte_array_access_enabled: false,
        tail_call_enabled: false,
        exceptions_enabled: false,
        relaxed_simd_enabled: false,
        wide_arithmetic_enabled: false,
        extended_const_enabled: false,
        custom_page_sizes_enabled: false,
        compact_imports_enabled: false,
        ..Config::default()
    }
}
