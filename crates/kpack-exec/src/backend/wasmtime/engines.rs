use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use kpack_schema::FeatureSet;
use wasmparser::WasmFeatures;
use wasmtime::{Config, Engine, EngineWeak, OptLevel};

use super::setup;
use crate::backend::ticker::Ticked;
use crate::backend::{BackendError, STACK_OF_ENTRY};
use crate::features::wasm_features;

/// The engines that some program uses. Held weakly: an engine ends with its last program.
#[derive(Default)]
pub(super) struct Engines {
    live: Mutex<BTreeMap<(FeatureSet, usize), EngineWeak>>,
}

impl Engines {
    pub(super) fn get(
        &self,
        features: FeatureSet,
        stack_bytes: usize,
    ) -> Result<Engine, BackendError> {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = live
            .get(&(features, stack_bytes))
            .and_then(EngineWeak::upgrade)
        {
            return Ok(engine);
        }
        live.retain(|_, engine| engine.upgrade().is_some());
        let engine = Engine::new(&config(features, stack_bytes)).map_err(setup)?;
        live.insert((features, stack_bytes), engine.weak());
        Ok(engine)
    }
}

impl Ticked for Engines {
    fn tick(&self) {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        for engine in live.values().filter_map(EngineWeak::upgrade) {
            engine.increment_epoch();
        }
    }
}

pub(super) fn config(features: FeatureSet, stack_bytes: usize) -> Config {
    let mut config = Config::new();
    config
        // Explicit settings outrank every default of the engine, also one that another crate's
        // choice of cargo features has changed.
        .wasm_features(WasmFeatures::all(), false)
        .wasm_features(wasm_features(features), true)
        .shared_memory(false)
        .max_wasm_stack(stack_bytes.saturating_add(STACK_OF_ENTRY))
        // Unused, but the engine demands that it is not below the stack of synchronous calls.
        .async_stack_size(stack_bytes.saturating_add(1 << 20))
        .epoch_interruption(true)
        .wasm_backtrace_max_frames(None)
        .cranelift_opt_level(OptLevel::Speed);
    config
}

#[cfg(test)]
mod tests {
    use kpack_schema::Feature;

    use super::*;

    #[test]
    fn programs_of_one_class_share_an_engine_and_take_it_with_them() {
        let engines = Engines::default();
        let simd = [Feature::Simd].into_iter().collect();
        let first = engines.get(simd, 65_536).unwrap();
        let second = engines.get(simd, 65_536).unwrap();
        assert!(Engine::same(&first, &second));
        assert!(!Engine::same(&first, &engines.get(simd, 131_072).unwrap()));
        drop((first, second));
        let live = || {
            engines
                .live
                .lock()
                .unwrap()
                .values()
                .filter_map(EngineWeak::upgrade)
                .count()
        };
        assert_eq!(live(), 0);
        let _other = engines.get(FeatureSet::EMPTY, 65_536).unwrap();
        assert_eq!(
            engines.live.lock().unwrap().len(),
            1,
            "dead entries are cleared away"
        );
    }
}
