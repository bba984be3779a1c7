use kpack_schema::{Feature, ResourceLimits};

use crate::chance::Chance;

/// What a seed decides about a case before its module is generated.
#[derive(Debug, Clone)]
pub(crate) struct Choices {
    pub(crate) features: Vec<Feature>,
    pub(crate) limits: ResourceLimits,
    pub(crate) traps: Traps,
    pub(crate) nans: Nans,
    pub(crate) flow: Flow,
    pub(crate) end: End,
    pub(crate) status: StatusSource,
    /// The pages that the module's memory may start with or declare.
    pub(crate) module_pages: u64,
    pub(crate) table_elements: u64,
    /// The random bytes that become the module: with them grows its size.
    pub(crate) dna_bytes: usize,
}

/// Whether the generator may emit what can trap. Without traps more of a module runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Traps {
    Allowed,
    Avoided,
}

/// Whether NaNs are made alike as soon as they arise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nans {
    Alike,
    AsTheyCome,
}

/// Whether functions branch and call. Where they do, much of their code is never reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    Any,
    StraightOn,
}

/// What ends a module's calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// So many loop turns and function calls, and then a trap.
    Fuel(u32),
    /// A limit, if nothing else does.
    Limits,
}

/// Where the kernel's status comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StatusSource {
    AlwaysOk,
    /// The low bits of the 32-bit results.
    Results,
}

impl Choices {
    pub(crate) fn new(chance: &mut Chance) -> Self {
        let offered = [Feature::BulkMemory, Feature::ReferenceTypes, Feature::Simd];
        let features = offered.into_iter().filter(|_| !chance.once_in(3));
        let features = features.collect();
        let traps = if chance.once_in(3) {
            Traps::Allowed
        } else {
            Traps::Avoided
        };
        let nans = if chance.once_in(4) {
            Nans::AsTheyCome
        } else {
            Nans::Alike
        };
        let flow = if chance.once_in(3) {
            Flow::StraightOn
        } else {
            Flow::Any
        };
        let end = if chance.once_in(48) {
            End::Limits
        } else {
            End::Fuel(chance.pick(&[100, 1_000, 1_000, 10_000]))
        };
        let status = if chance.once_in(8) {
            StatusSource::Results
        } else {
            StatusSource::AlwaysOk
        };
        Self {
            features,
            limits: limits(chance, end),
            traps,
            nans,
            flow,
            end,
            status,
            module_pages: 4,
            table_elements: chance.pick(&[8, 16, 64]),
            dna_bytes: chance.pick(&[256, 512, 1024, 2048, 2048, 4096]),
        }
    }
}

/// Limits around what the modules declare: most are roomy, some refuse or bind.
fn limits(chance: &mut Chance, end: End) -> ResourceLimits {
    ResourceLimits {
        max_memory_pages: chance.pick(&[3, 6, 8, 8, 16, 16]),
        max_epoch_ticks: match end {
            // A module that ends by itself has more time than a busy machine keeps it waiting.
            End::Fuel(_) => 500,
            End::Limits => 2,
        },
        max_table_elements: chance.pick(&[32, 100, 200, 1_000]),
        max_stack_size: Some(chance.pick(&[64 * 1024, 512 * 1024])),
        max_globals: Some(chance.pick(&[8, 100, 1_000, 1_000])),
    }
}
