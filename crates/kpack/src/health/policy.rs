use std::error::Error;
use std::time::Duration;

use kpack_exec::Blame;
use kpack_schema::{KernelId, PackPath};

use super::VectorError;
use super::speed::CallTimes;

/// What a pack must prove before a [`Slot`](crate::Slot) serves it.
#[derive(Debug, Clone, PartialEq)]
pub struct HealthPolicy {
    /// What becomes of a pack that ships no vector for one of its kernels.
    pub missing_vectors: MissingVectors,
    /// How much slower than in the serving pack a kernel may be; `None`: as slow as it likes.
    pub slowdown: Option<Slowdown>,
}

/// What becomes of a pack that ships no vector for a kernel which this engine runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MissingVectors {
    /// The pack may serve: nothing but the host's canary tries that kernel.
    #[default]
    Allow,
    /// The pack is refused.
    Refuse,
}

/// How much slower than in the serving pack a kernel may be on a vector of the new pack.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slowdown {
    factor: f64,
    floor: Duration,
}

/// The factor of a [`Slowdown`] is none: it would refuse no kernel, or every one.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("the factor of a slowdown must be a finite number above 0: `{factor}`")]
pub struct SlowdownError {
    factor: f64,
}

/// Why a pack that is trusted and compiles does not serve: what it does is not right here.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HealthError {
    /// The policy asks for vectors, and the pack ships none for a kernel.
    #[error("the pack ships no vector for kernel: `{kernel}`")]
    NoVectors {
        /// The first such kernel.
        kernel: KernelId,
    },
    /// A kernel failed a vector of its own pack.
    #[error("kernel {kernel} failed its vector: `{vector}`")]
    Vector {
        /// The kernel.
        kernel: KernelId,
        /// The vector's file in the pack.
        vector: PackPath,
        /// How it failed.
        source: Box<VectorError>,
    },
    /// A kernel is slower than in the pack that serves, by more than the policy allows.
    #[error(
        "kernel {kernel} takes {:?} on a vector for which the serving pack's takes: `{:?}`",
        times.candidate, times.serving
    )]
    Slower {
        /// The kernel.
        kernel: KernelId,
        /// The vector's file in the pack.
        vector: PackPath,
        /// How long a call took.
        times: CallTimes,
        /// The ratio that would have been good enough.
        factor: f64,
    },
    /// The host's own canary turned the pack down.
    #[error("the host's canary turned the pack down")]
    Canary {
        /// What the canary says.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl Default for Slowdown {
    /// Three times as slow, in calls of more than a microsecond.
    fn default() -> Self {
        Self {
            factor: 3.0,
            floor: Duration::from_micros(1),
        }
    }
}

impl Default for HealthPolicy {
    /// Every vector that there is, and no kernel slower than [`Slowdown`]'s default.
    fn default() -> Self {
        Self {
            missing_vectors: MissingVectors::Allow,
            slowdown: Some(Slowdown::default()),
        }
    }
}

impl Slowdown {
    /// A kernel may take so many times as long as in the serving pack, by the medians, and in any case
    /// as long as the floor: what is so short says little about the kernel.
    ///
    /// # Errors
    ///
    /// When the factor is not a finite number above 0.
    pub fn new(factor: f64, floor: Duration) -> Result<Self, SlowdownError> {
        if factor.is_finite() && factor > 0.0 {
            Ok(Self { factor, floor })
        } else {
            Err(SlowdownError { factor })
        }
    }

    /// The ratio of the medians that is still good enough.
    #[must_use]
    pub const fn factor(&self) -> f64 {
        self.factor
    }

    /// A call that takes no longer than this is fast enough, whatever the serving pack needs.
    #[must_use]
    pub const fn floor(&self) -> Duration {
        self.floor
    }

    /// Whether a kernel that takes so long may not serve.
    #[must_use]
    pub fn refuses(&self, times: CallTimes) -> bool {
        let allowed = times.serving.as_secs_f64() * self.factor;
        times.candidate > self.floor && times.candidate.as_secs_f64() > allowed
    }
}

impl SlowdownError {
    /// The factor that was asked for.
    #[must_use]
    pub const fn factor(&self) -> f64 {
        self.factor
    }

    /// A stable name for programs, in `snake_case`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        "slowdown_factor"
    }
}

impl HealthError {
    /// Who has to act.
    #[must_use]
    pub const fn blame(&self) -> Blame {
        match self {
            Self::NoVectors { .. } | Self::Canary { .. } => Blame::Pack,
            Self::Vector { source, .. } => source.blame(),
            Self::Slower { .. } => Blame::Kernel,
        }
    }

    /// A stable name for programs, in `snake_case`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NoVectors { .. } => "no_vectors",
            Self::Vector { source, .. } => source.kind(),
            Self::Slower { .. } => "slower",
            Self::Canary { .. } => "canary",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_is_slower_by_the_factor_and_above_the_floor() {
        let rule = Slowdown::new(2.0, Duration::from_micros(10)).unwrap();
        let refuses = |candidate, serving| {
            rule.refuses(CallTimes {
                candidate: Duration::from_nanos(candidate),
                serving: Duration::from_nanos(serving),
            })
        };
        assert!(!refuses(20_000, 10_000));
        assert!(refuses(20_001, 10_000));
        assert!(!refuses(10_000, 1), "at the floor nothing is compared");
        assert!(refuses(10_001, 1));
        assert!(!refuses(1, 20_000), "faster is never refused");
        assert!(refuses(10_001, 0), "a clock that does not resolve the call");
    }

    #[test]
    fn a_factor_that_decides_nothing_is_refused() {
        let floor = Duration::ZERO;
        for (factor, shown) in [
            (f64::NAN, "NaN"),
            (f64::INFINITY, "inf"),
            (0.0, "0"),
            (-3.0, "-3"),
        ] {
            let error = Slowdown::new(factor, floor).unwrap_err();
            let expected =
                format!("the factor of a slowdown must be a finite number above 0: `{shown}`");
            assert_eq!(error.to_string(), expected);
        }
        let least = Slowdown::new(f64::MIN_POSITIVE, floor).unwrap();
        assert_eq!(least.factor(), f64::MIN_POSITIVE);
    }
}
