use kpack_schema::{Feature, ResourceLimits};

use crate::chance::Chance;
use crate::choices::{Choices, Nans};
use crate::generator::generate;
use crate::harness::{Kernel, into_kernel};
use crate::inputs::inputs;
use crate::observation::Slot;

/// A module, the limits it runs in and the inputs it is called with.
#[derive(Debug, Clone)]
pub struct Case {
    pub(crate) choices: Choices,
    pub(crate) module: Vec<u8>,
    pub(crate) slots: Vec<Slot>,
    pub(crate) inputs: Vec<Vec<u8>>,
}

impl Case {
    /// The case of a seed, the same on every machine.
    #[must_use]
    pub fn generate(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let choices = Choices::new(&mut chance);
        Self::of(choices, chance)
    }

    /// The case of a seed, but with a module in which all NaNs are made alike. The two modules do
    /// the same with everything that is no NaN.
    pub(crate) fn twin_with_nans_alike(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let mut choices = Choices::new(&mut chance);
        choices.nans = Nans::Alike;
        Self::of(choices, chance)
    }

    fn of(choices: Choices, mut chance: Chance) -> Self {
        let generated = generate(&choices, &mut chance);
        let Kernel { module, slots } = into_kernel(&generated, &choices, &mut chance);
        Self {
            choices,
            module,
            slots,
            inputs: inputs(&mut chance),
        }
    }

    /// The module in the binary format.
    #[must_use]
    pub fn module(&self) -> &[u8] {
        &self.module
    }

    /// The features that the module is declared to need.
    #[must_use]
    pub fn features(&self) -> &[Feature] {
        &self.choices.features
    }

    /// The limits that the manifest states.
    #[must_use]
    pub fn limits(&self) -> &ResourceLimits {
        &self.choices.limits
    }

    /// The input tensor of each call.
    #[must_use]
    pub fn inputs(&self) -> &[Vec<u8>] {
        &self.inputs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_case_every_time() {
        for seed in 0..20 {
            let (first, second) = (Case::generate(seed), Case::generate(seed));
            assert_eq!(first.module, second.module);
            assert_eq!(first.inputs, second.inputs);
            assert_eq!(first.choices.limits, second.choices.limits);
        }
        assert_ne!(Case::generate(0).module, Case::generate(1).module);
    }

    #[test]
    fn a_twin_differs_in_its_nans_only() {
        let seeds = 0..200;
        let mut twins = 0;
        for seed in seeds {
            let case = Case::generate(seed);
            let twin = Case::twin_with_nans_alike(seed);
            assert_eq!(case.inputs, twin.inputs, "{seed}");
            assert_eq!(case.slots, twin.slots, "{seed}");
            if case.choices.nans == Nans::Alike {
                assert_eq!(case.module, twin.module, "{seed}");
            } else {
                twins += 1;
            }
        }
        assert!(twins > 20, "the seeds have no twins: {twins}");
    }
}
