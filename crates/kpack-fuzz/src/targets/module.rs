use std::sync::LazyLock;

use kpack_schema::{Feature, ResourceLimits};

use super::Verdict;
use crate::host::{Fate, Host};

static HOST: LazyLock<Host> = LazyLock::new(|| Host::new().expect("this machine has engines"));

/// The features that a module is declared to need, by the bits of the first byte.
const FEATURES: [Feature; 3] = [Feature::BulkMemory, Feature::ReferenceTypes, Feature::Simd];

/// Modules that never end are ended soon.
const LIMITS: ResourceLimits = ResourceLimits {
    max_memory_pages: 16,
    max_epoch_ticks: 1,
    max_table_elements: 1000,
    max_stack_size: Some(64 * 1024),
    max_globals: Some(100),
};

/// A byte of features, and a module: through the policy, compiled and called on both engines.
pub(super) fn run(bytes: &[u8]) -> Verdict {
    let Some((&bits, wasm)) = bytes.split_first() else {
        return Verdict::Refused;
    };
    let declared = FEATURES.into_iter().enumerate();
    let declared = declared.filter(|(bit, _)| bits & (1 << bit) != 0);
    let features: Vec<Feature> = declared.map(|(_, feature)| feature).collect();
    let Ok(kernel) = HOST.vet(wasm, &features, &LIMITS) else {
        return Verdict::Refused;
    };
    match HOST.call(&kernel) {
        Fate::Called(_) => Verdict::Accepted,
        Fate::Refused(_) | Fate::NotCompiled => Verdict::Refused,
    }
}
