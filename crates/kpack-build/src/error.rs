use std::error::Error;
use std::fmt;

/// Why no pack was built.
#[derive(Debug)]
pub struct BuildError {
    stage: Stage,
    error: Box<dyn Error + Send + Sync>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Toolchain,
    Build,
}

impl BuildError {
    pub(crate) fn toolchain(error: anyhow::Error) -> Self {
        Self {
            stage: Stage::Toolchain,
            error: error.into(),
        }
    }

    pub(crate) fn build(error: anyhow::Error) -> Self {
        Self {
            stage: Stage::Build,
            error: error.into(),
        }
    }

    /// A stable name: `no_wasm_compiler` where none was found, else `build_failed`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self.stage {
            Stage::Toolchain => "no_wasm_compiler",
            Stage::Build => "build_failed",
        }
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl Error for BuildError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}
