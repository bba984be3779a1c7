use kpack_schema::{Feature, PackPath};

use super::CapKind;

/// A module that the static policy refuses. The pack's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the module is refused: `{path}`")]
pub struct PolicyError {
    path: PackPath,
    #[source]
    reason: PolicyErrorKind,
}

impl PolicyError {
    pub(crate) const fn new(path: PackPath, reason: PolicyErrorKind) -> Self {
        Self { path, reason }
    }

    /// Where the module stands in its pack.
    #[must_use]
    pub const fn path(&self) -> &PackPath {
        &self.path
    }

    /// The rule that the module breaks.
    #[must_use]
    pub const fn reason(&self) -> &PolicyErrorKind {
        &self.reason
    }

    /// A stable name for programs, in `snake_case`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        self.reason.kind()
    }
}

/// The rule that a module breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyErrorKind {
    /// The bytes are no WebAssembly module; the text format is not taken either.
    #[error("it is not a WebAssembly module in the binary format")]
    NotAModule,
    /// The bytes are a component.
    #[error("it is a WebAssembly component, not a core module")]
    Component,
    /// The module is not valid.
    #[error("it is not valid at offset {offset}: `{message}`")]
    Invalid {
        /// Byte offset in the module.
        offset: usize,
        /// What the validator says.
        message: String,
    },
    /// The module uses a feature that the manifest could have declared and did not.
    #[error("it uses a feature at offset {offset} that the manifest does not declare: `{feature}`")]
    UndeclaredFeature {
        /// The missing feature.
        feature: Feature,
        /// Byte offset in the module.
        offset: usize,
    },
    /// The module uses a proposal that no manifest can declare.
    #[error("it uses a proposal at offset {offset} that is never on: `{proposal}`")]
    ForbiddenProposal {
        /// The proposal's name.
        proposal: String,
        /// Byte offset in the module.
        offset: usize,
    },
    /// The module imports something.
    #[error("it has an import: `{module}.{name}`")]
    Import {
        /// The import's module name.
        module: String,
        /// The import's name.
        name: String,
    },
    /// The module has a start function.
    #[error("it has a start function")]
    StartFunction,
    /// The module does not export a memory of the name that the interface asks for.
    #[error("it does not export a memory of the name: `{name}`")]
    MemoryExport {
        /// The name of the export.
        name: &'static str,
    },
    /// The module's memory starts larger than its kernel's limit.
    #[error("its memory may have {allowed} pages but starts with: `{found}`")]
    MemoryMinimum {
        /// Pages of 64 KiB.
        found: u64,
        /// Pages of 64 KiB.
        allowed: u32,
    },
    /// The module's tables start larger than its kernel's limit.
    #[error("its tables may have {allowed} elements but start with: `{found}`")]
    TableMinimum {
        /// Elements of all tables together.
        found: u64,
        /// Elements of all tables together.
        allowed: u32,
    },
    /// The module has more globals than its kernel's limit.
    #[error("it may have {allowed} globals but has: `{found}`")]
    Globals {
        /// Globals of the module.
        found: u32,
        /// Globals that the limit allows.
        allowed: u32,
    },
    /// The module does not export the entry point.
    #[error("it does not export the entry point: `{name}`")]
    EntryPointMissing {
        /// The entry point that the manifest names.
        name: String,
    },
    /// The entry point is not a function of type `(i32) -> i32`.
    #[error("its entry point is not a function (i32) -> i32: `{name}`")]
    EntryPointType {
        /// The entry point that the manifest names.
        name: String,
    },
    /// The module is too large in one respect.
    #[error("it may have {allowed} {cap} but has: `{found}`")]
    Cap {
        /// Which of the caps.
        cap: CapKind,
        /// What the module has, or the first count that is too many.
        found: u64,
        /// What the cap allows.
        allowed: u64,
    },
}

impl PolicyErrorKind {
    /// A stable name for programs, in `snake_case`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::NotAModule => "not_a_module",
            Self::Component => "component",
            Self::Invalid { .. } => "invalid_module",
            Self::UndeclaredFeature { .. } => "undeclared_feature",
            Self::ForbiddenProposal { .. } => "forbidden_proposal",
            Self::Import { .. } => "import",
            Self::StartFunction => "start_function",
            Self::MemoryExport { .. } => "memory_export",
            Self::MemoryMinimum { .. } => "memory_minimum",
            Self::TableMinimum { .. } => "table_minimum",
            Self::Globals { .. } => "too_many_globals",
            Self::EntryPointMissing { .. } => "entry_point_missing",
            Self::EntryPointType { .. } => "entry_point_type",
            Self::Cap { cap, .. } => cap.kind(),
        }
    }
}
