use kpack::{CompileCache, Runtime, Verifier};
use kpack_exec::EngineInfo;

use crate::failure::Failure;
use crate::host;

/// Every engine that some build of kpack has.
const KNOWN: [&str; 2] = ["wasmtime", "wasmer"];

/// An engine that is compiled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    #[cfg(feature = "wasmtime")]
    Wasmtime,
    #[cfg(feature = "wasmer")]
    Wasmer,
}

impl Engine {
    /// All that are compiled in; the first is the one that `run` takes by itself.
    pub(crate) const ALL: &[Self] = &[
        #[cfg(feature = "wasmtime")]
        Self::Wasmtime,
        #[cfg(feature = "wasmer")]
        Self::Wasmer,
    ];

    /// The name in `--backend` and in a manifest's `platforms`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            #[cfg(feature = "wasmtime")]
            Self::Wasmtime => "wasmtime",
            #[cfg(feature = "wasmer")]
            Self::Wasmer => "wasmer",
        }
    }

    /// The engine of that name.
    pub(crate) fn named(name: &str) -> Result<Self, Failure> {
        let mut all = Self::ALL.iter().copied();
        all.find(|engine| engine.name() == name)
            .ok_or_else(|| Failure::unknown_backend(name, &KNOWN, &Self::names()))
    }

    /// The engine that was asked for, else the first.
    pub(crate) fn named_or_first(name: Option<&str>) -> Result<Self, Failure> {
        match name {
            Some(name) => Self::named(name),
            None => Self::ALL.first().copied().ok_or_else(Failure::no_engine),
        }
    }

    /// The engine that was asked for, else all.
    pub(crate) fn named_or_all(name: Option<&str>) -> Result<Vec<Self>, Failure> {
        match name {
            Some(name) => Ok(vec![Self::named(name)?]),
            None if Self::ALL.is_empty() => Err(Failure::no_engine()),
            None => Ok(Self::ALL.to_vec()),
        }
    }

    /// A runtime on the engine for the packs of this verifier.
    pub(crate) fn runtime(
        self,
        verifier: Verifier,
        cache: Option<CompileCache>,
    ) -> Result<Runtime, Failure> {
        let builder = match self {
            #[cfg(feature = "wasmtime")]
            Self::Wasmtime => Runtime::builder(kpack::Wasmtime::new()?),
            #[cfg(feature = "wasmer")]
            Self::Wasmer => Runtime::builder(kpack::Wasmer::new()?),
        };
        let builder = builder.verifier(verifier).references(host::references());
        Ok(match cache {
            Some(cache) => builder.compile_cache(cache).build(),
            None => builder.build(),
        })
    }

    /// What the choice of a kernel's module depends on.
    pub(crate) fn info(self) -> Result<EngineInfo, Failure> {
        Ok(EngineInfo::of(
            self.runtime(host::verifier(None), None)?.backend(),
        ))
    }

    fn names() -> Vec<&'static str> {
        Self::ALL.iter().map(|engine| engine.name()).collect()
    }
}
