use kpack_schema::{CheckedKernel, Feature, FeatureSet};
use semver::Version;

use crate::backend::Backend;

/// What the choice of a module depends on in an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineInfo {
    /// The name under which `platforms` knows the engine.
    pub name: String,
    /// The engine's version.
    pub version: Version,
    /// The features that modules may need.
    pub offers: FeatureSet,
}

impl EngineInfo {
    /// What a backend says about itself.
    #[must_use]
    pub fn of(backend: &dyn Backend) -> Self {
        Self {
            name: backend.name().into(),
            version: backend.version(),
            offers: backend.offers(),
        }
    }
}

/// Which of a kernel's modules an engine runs, and with which features on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selection {
    /// The module.
    pub module: ModuleChoice,
    /// The features that the manifest declares for it.
    pub features: FeatureSet,
}

/// One of a kernel's modules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModuleChoice {
    /// The kernel's `path`.
    Path,
    /// The entry of the kernel's `variants` with this index.
    Variant(usize),
}

/// Chooses the module that an engine runs: the first variant, in list order, whose features the
/// engine offers, else `path`.
///
/// # Errors
///
/// When the kernel's `platforms` does not list the engine, asks for a later version of it, or when
/// `path` is all that is left and needs a feature that the engine does not offer.
pub fn select(kernel: &CheckedKernel, engine: &EngineInfo) -> Result<Selection, PlatformError> {
    let of_path = features_of_path(kernel, engine)?;
    let offered = |features: FeatureSet| features.is_subset(engine.offers);
    let mut variants = kernel
        .variants()
        .iter()
        .map(|variant| variant.features)
        .enumerate();
    if let Some((index, features)) = variants.find(|&(_, features)| offered(features)) {
        return Ok(Selection {
            module: ModuleChoice::Variant(index),
            features,
        });
    }
    if let Some(feature) = of_path.missing_in(engine.offers).next() {
        return Err(PlatformError::MissingFeature {
            engine: engine.name.clone(),
            feature,
        });
    }
    Ok(Selection {
        module: ModuleChoice::Path,
        features: of_path,
    })
}

fn features_of_path(
    kernel: &CheckedKernel,
    engine: &EngineInfo,
) -> Result<FeatureSet, PlatformError> {
    let platforms = kernel.platforms();
    if platforms.is_empty() {
        return Ok(FeatureSet::EMPTY);
    }
    let platform = platforms
        .get(&engine.name)
        .ok_or_else(|| PlatformError::EngineNotListed {
            engine: engine.name.clone(),
            listed: platforms.keys().cloned().collect::<Vec<_>>().join(", "),
        })?;
    if platform.min_version > engine.version {
        return Err(PlatformError::EngineVersion {
            engine: engine.name.clone(),
            found: engine.version.clone(),
            required: platform.min_version.clone(),
        });
    }
    Ok(platform.features)
}

/// A kernel that this engine does not run. The pack decides that, so the pack is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlatformError {
    /// The kernel's `platforms` does not list the engine.
    #[error("the kernel runs only on {listed}, not on engine: `{engine}`")]
    EngineNotListed {
        /// The engine that was asked for.
        engine: String,
        /// The engines that the manifest lists.
        listed: String,
    },
    /// The engine is older than the kernel asks for.
    #[error("the kernel needs {engine} {required} or later, but this is version: `{found}`")]
    EngineVersion {
        /// The engine.
        engine: String,
        /// Its version.
        found: Version,
        /// The `min_version` of the manifest.
        required: Version,
    },
    /// The kernel needs a feature that the engine does not offer.
    #[error("the kernel needs a feature that {engine} does not offer: `{feature}`")]
    MissingFeature {
        /// The engine.
        engine: String,
        /// The first such feature.
        feature: Feature,
    },
}

impl PlatformError {
    /// A stable name for programs, in `snake_case`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::EngineNotListed { .. } => "engine_not_listed",
            Self::EngineVersion { .. } => "engine_version",
            Self::MissingFeature { .. } => "engine_missing_feature",
        }
    }
}
