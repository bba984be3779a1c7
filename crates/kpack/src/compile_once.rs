use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use kpack_exec::{Backend, BackendError, Program, ProgramKey, VettedModule};
use kpack_schema::FeatureSet;
use semver::Version;

/// A backend that makes one program for all modules with the same key, while one pack is loaded.
pub(crate) struct CompileOnce<'a> {
    backend: &'a dyn Backend,
    programs: Mutex<BTreeMap<ProgramKey, Arc<dyn Program>>>,
}

impl<'a> CompileOnce<'a> {
    pub(crate) fn new(backend: &'a dyn Backend) -> Self {
        Self {
            backend,
            programs: Mutex::default(),
        }
    }
}

impl Backend for CompileOnce<'_> {
    fn name(&self) -> &str {
        self.backend.name()
    }

    fn version(&self) -> Version {
        self.backend.version()
    }

    fn offers(&self) -> FeatureSet {
        self.backend.offers()
    }

    fn compile(&self, module: &VettedModule) -> Result<Arc<dyn Program>, BackendError> {
        let key = module.program_key();
        // Nothing is half done when a compiler panics, so the map is as good as before.
        let mut programs = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(program) = programs.get(&key) {
            return Ok(Arc::clone(program));
        }
        let program = self.backend.compile(module)?;
        programs.insert(key, Arc::clone(&program));
        Ok(program)
    }
}
