//! Whether kernels do here what their pack says: the test vectors that it ships.

mod policy;
mod speed;
mod vector;

use std::time::Duration;

use kpack_schema::{KernelId, PackPath};

pub use self::policy::{HealthError, HealthPolicy, MissingVectors, Slowdown, SlowdownError};
pub(crate) use self::speed::too_slow;
pub use self::speed::{ByTurns, CallTimes, CompareSpeed};
pub(crate) use self::vector::ReadyVector;
pub use self::vector::VectorError;
use crate::compare::Deviation;
use crate::kernel::Kernel;
use crate::pack::Pack;

/// What became of every vector of every kernel of a pack that its engine runs.
#[derive(Debug)]
#[non_exhaustive]
pub struct HealthReport {
    /// One for each kernel, in the order of the manifest.
    pub kernels: Vec<KernelHealth>,
}

/// What became of every vector of a kernel.
#[derive(Debug)]
#[non_exhaustive]
pub struct KernelHealth {
    /// The kernel.
    pub kernel: KernelId,
    /// One for each vector, in the order of the manifest. Empty when the pack ships none.
    pub vectors: Vec<VectorHealth>,
}

/// What became of a vector.
#[derive(Debug)]
#[non_exhaustive]
pub struct VectorHealth {
    /// The vector's file in the pack.
    pub path: PackPath,
    /// What the kernel made of it.
    pub result: Result<VectorPassed, VectorError>,
}

/// A vector for which the kernel gave the numbers that the pack promises.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct VectorPassed {
    /// How far off they were.
    pub deviation: Deviation,
    /// How long the call took, the first on its instance.
    pub time: Duration,
}

impl HealthReport {
    /// Every vector with its kernel, in the order of the manifest.
    pub fn vectors(&self) -> impl Iterator<Item = (&KernelId, &VectorHealth)> {
        fn of(kernel: &KernelHealth) -> impl Iterator<Item = (&KernelId, &VectorHealth)> {
            std::iter::repeat(&kernel.kernel).zip(&kernel.vectors)
        }
        self.kernels.iter().flat_map(of)
    }

    /// The first vector that a kernel failed.
    #[must_use]
    pub fn first_failure(&self) -> Option<(&KernelId, &PackPath, &VectorError)> {
        self.vectors().find_map(|(kernel, vector)| {
            let error = vector.result.as_ref().err()?;
            Some((kernel, &vector.path, error))
        })
    }

    /// The kernels of which the pack ships no vector.
    pub fn untested(&self) -> impl Iterator<Item = &KernelId> {
        let kernels = self.kernels.iter();
        kernels.filter_map(|kernel| kernel.vectors.is_empty().then_some(&kernel.kernel))
    }
}

impl Pack {
    /// Runs every vector of every kernel that this engine runs.
    #[must_use]
    pub fn check_health(&self) -> HealthReport {
        HealthReport {
            kernels: self.kernels().map(Kernel::check_health).collect(),
        }
    }
}

impl Kernel {
    /// Runs every vector that the pack ships for the kernel, each on an instance of its own.
    #[must_use]
    pub fn check_health(&self) -> KernelHealth {
        let vectors = self.vectors().iter().map(|vector| VectorHealth {
            path: vector.declared().path.clone(),
            result: ReadyVector::new(self, vector).and_then(|mut ready| ready.check()),
        });
        KernelHealth {
            kernel: self.id().clone(),
            vectors: vectors.collect(),
        }
    }
}
