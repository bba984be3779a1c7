use kpack_schema::{Feature, FeatureSet};
use wasmparser::WasmFeatures;

/// What is on in every module, without being named.
const ALWAYS_ON: WasmFeatures = WasmFeatures::FLOATS
    .union(WasmFeatures::MUTABLE_GLOBAL)
    .union(WasmFeatures::SIGN_EXTENSION)
    .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
    .union(WasmFeatures::MULTI_VALUE);

/// Exactly what a module that names `set` may use; every other proposal is off.
///
/// `GC_TYPES` stays off, so that reference types are `funcref` only.
pub(crate) fn wasm_features(set: FeatureSet) -> WasmFeatures {
    set.iter().fold(ALWAYS_ON, |features, feature| {
        features.union(proposal(feature))
    })
}

/// What a module used without permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MissingFeature {
    /// A feature that the manifest could have named.
    Nameable(Feature),
    /// A proposal that can never be named.
    Never(String),
}

/// Translates what the validator says was missing.
pub(crate) fn missing(features: WasmFeatures) -> MissingFeature {
    Feature::ALL
        .into_iter()
        .find(|&feature| !features.is_empty() && proposal(feature).contains(features))
        .map_or_else(
            || MissingFeature::Never(proposal_name(features)),
            MissingFeature::Nameable,
        )
}

const fn proposal(feature: Feature) -> WasmFeatures {
    match feature {
        Feature::BulkMemory => WasmFeatures::BULK_MEMORY,
        Feature::ReferenceTypes => WasmFeatures::REFERENCE_TYPES,
        Feature::Simd => WasmFeatures::SIMD,
        Feature::RelaxedSimd => WasmFeatures::RELAXED_SIMD.union(WasmFeatures::SIMD),
    }
}

fn proposal_name(features: WasmFeatures) -> String {
    if features == WasmFeatures::GC_TYPES {
        return "externref".into();
    }
    let names = features
        .iter_names()
        .map(|(name, _)| name.to_lowercase().replace('_', "-"));
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_feature_set_turns_on_what_can_never_be_named() {
        let all = wasm_features(FeatureSet::ALL);
        for never in [
            WasmFeatures::THREADS,
            WasmFeatures::MEMORY64,
            WasmFeatures::MULTI_MEMORY,
            WasmFeatures::GC,
            WasmFeatures::GC_TYPES,
            WasmFeatures::FUNCTION_REFERENCES,
            WasmFeatures::TAIL_CALL,
            WasmFeatures::EXCEPTIONS,
            WasmFeatures::LEGACY_EXCEPTIONS,
            WasmFeatures::EXTENDED_CONST,
            WasmFeatures::COMPONENT_MODEL,
            WasmFeatures::CUSTOM_PAGE_SIZES,
            WasmFeatures::WIDE_ARITHMETIC,
            WasmFeatures::STACK_SWITCHING,
        ] {
            assert!(!all.intersects(never), "{never:?}");
        }
    }

    #[test]
    fn a_missing_feature_is_named_as_in_a_manifest() {
        assert_eq!(
            missing(WasmFeatures::SIMD),
            MissingFeature::Nameable(Feature::Simd)
        );
        assert_eq!(
            missing(WasmFeatures::RELAXED_SIMD),
            MissingFeature::Nameable(Feature::RelaxedSimd)
        );
        assert_eq!(
            missing(WasmFeatures::BULK_MEMORY_OPT),
            MissingFeature::Nameable(Feature::BulkMemory)
        );
        assert_eq!(
            missing(WasmFeatures::TAIL_CALL),
            MissingFeature::Never("tail-call".into())
        );
        assert_eq!(
            missing(WasmFeatures::GC_TYPES),
            MissingFeature::Never("externref".into())
        );
    }
}
