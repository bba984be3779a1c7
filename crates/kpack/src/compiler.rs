use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use kpack_exec::{Backend, BackendError, Program, ProgramKey, VettedModule};
use kpack_schema::FeatureSet;
use semver::Version;

use crate::compile_cache::CompileCache;

/// A backend that makes one program for all modules with the same key, while one pack is compiled,
/// and takes from the cache what it has.
pub(crate) struct Compiler<'a> {
    backend: &'a dyn Backend,
    cache: Option<&'a CompileCache>,
    programs: Mutex<BTreeMap<ProgramKey, Arc<dyn Program>>>,
}

impl<'a> Compiler<'a> {
    pub(crate) fn new(backend: &'a dyn Backend, cache: Option<&'a CompileCache>) -> Self {
        Self {
            backend,
            cache,
            programs: Mutex::default(),
        }
    }

    fn cached(&self, module: &VettedModule) -> Result<Arc<dyn Program>, BackendError> {
        let origin = self.cache.and_then(|_| self.backend.code_origin(module));
        let (Some(cache), Some(origin)) = (self.cache, origin) else {
            return self.backend.compile(module);
        };
        if let Some(code) = cache.get(origin.clone()) {
            match self.backend.load(module, &code) {
                Ok(program) => return Ok(program),
                Err(error) => {
                    tracing::warn!(module = %module.path(), %error, "stored code was not taken");
                }
            }
        }
        let program = self.backend.compile(module)?;
        if let Some(code) = program.native_code() {
            cache.put(&origin, &code);
        }
        Ok(program)
    }
}

impl Backend for Compiler<'_> {
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
        let program = self.cached(module)?;
        programs.insert(key, Arc::clone(&program));
        Ok(program)
    }
}
