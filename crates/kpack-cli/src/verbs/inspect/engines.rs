use std::collections::BTreeMap;

use kpack::{FeatureSet, PackPath, PlatformError};
use kpack_exec::{EngineInfo, ModuleChoice, select};
use kpack_schema::{CheckedKernel, CheckedManifest};
use serde_json::{Map, Value, json};

use crate::engine::Engine;
use crate::failure::{Failure, fields};

/// Kernel id to what each engine of this build makes of the kernel.
pub(super) type Verdicts = BTreeMap<String, Vec<Verdict>>;

/// Whether an engine runs a kernel, by what the manifest declares.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) engine: String,
    pub(super) version: String,
    pub(super) outcome: Result<Chosen, PlatformError>,
}

/// The module that would run.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) module: PackPath,
    pub(super) features: FeatureSet,
}

/// Asks every engine that is compiled in about every kernel.
pub(super) fn judge(manifest: &CheckedManifest) -> Result<Verdicts, Failure> {
    let engines = Engine::ALL
        .iter()
        .map(|engine| engine.info())
        .collect::<Result<Vec<EngineInfo>, Failure>>()?;
    let of_kernel = |kernel: &CheckedKernel| -> Vec<Verdict> {
        let engines = engines.iter();
        engines.map(|engine| Verdict::of(kernel, engine)).collect()
    };
    let kernels = manifest.kernels().iter();
    Ok(kernels
        .map(|kernel| (kernel.id().to_string(), of_kernel(kernel)))
        .collect())
}

impl Verdict {
    fn of(kernel: &CheckedKernel, engine: &EngineInfo) -> Self {
        let outcome = select(kernel, engine).map(|selection| Chosen {
            module: match selection.module {
                ModuleChoice::Path => kernel.path().clone(),
                ModuleChoice::Variant(index) => kernel.variants()[index].path.clone(),
            },
            features: selection.features,
        });
        Self {
            engine: engine.name.clone(),
            version: engine.version.to_string(),
            outcome,
        }
    }

    pub(super) fn to_json(&self) -> Value {
        let mut verdict = Map::new();
        verdict.insert("engine".into(), self.engine.as_str().into());
        verdict.insert("version".into(), self.version.as_str().into());
        verdict.insert("runs".into(), self.outcome.is_ok().into());
        match &self.outcome {
            Ok(chosen) => {
                let features = chosen.features.iter().map(kpack_schema::Feature::name);
                let features: Vec<&str> = features.collect();
                verdict.insert("module".into(), chosen.module.as_str().into());
                verdict.insert("features".into(), json!(features));
            }
            Err(reason) => {
                verdict.insert("kind".into(), reason.kind().into());
                verdict.insert("reason".into(), reason.to_string().into());
                let fields = fields::of_platform(reason).into_iter();
                verdict.extend(fields.map(|(name, value)| (name.to_owned(), value)));
            }
        }
        verdict.into()
    }
}
