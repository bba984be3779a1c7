use std::fmt;
use std::str::FromStr;

/// A WebAssembly proposal that a manifest may name, beyond those that are always on.
///
/// Always on are mutable globals, sign extension, saturating float-to-int and multi-value. Every
/// other proposal can never be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feature {
    /// `memory.copy`, `memory.fill` and their kin.
    BulkMemory,
    /// Tables of `funcref` beyond the first and typed `select`; `externref` stays off.
    ReferenceTypes,
    /// Fixed-width 128-bit SIMD.
    Simd,
    /// Relaxed SIMD, whose last bit may differ between machines; implies [`Simd`](Self::Simd).
    RelaxedSimd,
}

/// A feature name that no manifest may use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a feature must be one of bulk-memory, reference-types, simd, relaxed-simd: `{found}`")]
pub struct FeatureError {
    found: String,
}

impl Feature {
    /// Every feature that may be named, in the order in which they are listed.
    pub const ALL: [Self; 4] = [
        Self::BulkMemory,
        Self::ReferenceTypes,
        Self::Simd,
        Self::RelaxedSimd,
    ];

    /// The name in a manifest.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BulkMemory => "bulk-memory",
            Self::ReferenceTypes => "reference-types",
            Self::Simd => "simd",
            Self::RelaxedSimd => "relaxed-simd",
        }
    }

    const fn bits(self) -> u8 {
        match self {
            Self::BulkMemory => 1,
            Self::ReferenceTypes => 2,
            Self::Simd => 4,
            Self::RelaxedSimd => 8 | Self::Simd.bits(),
        }
    }
}

impl FromStr for Feature {
    type Err = FeatureError;

    fn from_str(text: &str) -> Result<Self, FeatureError> {
        Self::ALL
            .into_iter()
            .find(|feature| feature.name() == text)
            .ok_or_else(|| FeatureError {
                found: crate::text::shown(text),
            })
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A set of features, closed under implication: with relaxed SIMD it always holds SIMD.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FeatureSet(u8);

impl FeatureSet {
    /// Only what is always on.
    pub const EMPTY: Self = Self(0);

    /// Everything that may be named.
    pub const ALL: Self = Self(15);

    /// Whether the feature is in the set.
    #[must_use]
    pub const fn contains(self, feature: Feature) -> bool {
        self.0 & feature.bits() == feature.bits()
    }

    /// Whether every feature of this set is in the other.
    #[must_use]
    pub const fn is_subset(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// The features that are in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The features that are in both sets.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        self.iter()
            .filter(|&feature| other.contains(feature))
            .collect()
    }

    /// The features of this set that are missing in the other.
    pub fn missing_in(self, other: Self) -> impl Iterator<Item = Feature> {
        self.iter().filter(move |&feature| !other.contains(feature))
    }

    /// The features of the set, in the order of [`Feature::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Feature> {
        Feature::ALL
            .into_iter()
            .filter(move |&feature| self.contains(feature))
    }
}

impl FromIterator<Feature> for FeatureSet {
    fn from_iter<I: IntoIterator<Item = Feature>>(features: I) -> Self {
        Self(
            features
                .into_iter()
                .fold(0, |bits, feature| bits | feature.bits()),
        )
    }
}

/// The names, separated by a comma and a space; `none` for the empty set.
impl fmt::Display for FeatureSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::EMPTY {
            return f.write_str("none");
        }
        for (index, feature) in self.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            f.write_str(feature.name())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_others_are_refused() {
        for feature in Feature::ALL {
            assert_eq!(feature.name().parse(), Ok(feature));
        }
        for bad in ["", "SIMD", "threads", "memory64", "simd128"] {
            assert!(bad.parse::<Feature>().is_err(), "{bad}");
        }
    }

    #[test]
    fn relaxed_simd_implies_simd() {
        let relaxed: FeatureSet = [Feature::RelaxedSimd].into_iter().collect();
        assert!(relaxed.contains(Feature::Simd));
        let simd: FeatureSet = [Feature::Simd].into_iter().collect();
        assert!(!simd.contains(Feature::RelaxedSimd));
        assert!(simd.is_subset(relaxed) && !relaxed.is_subset(simd));
        assert_eq!(
            relaxed.missing_in(simd).collect::<Vec<_>>(),
            [Feature::RelaxedSimd]
        );
    }

    #[test]
    fn sets_are_shown_by_name() {
        assert_eq!(FeatureSet::EMPTY.to_string(), "none");
        assert_eq!(
            FeatureSet::ALL.to_string(),
            "bulk-memory, reference-types, simd, relaxed-simd"
        );
    }
}
