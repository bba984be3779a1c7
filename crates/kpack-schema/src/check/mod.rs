//! The judgement of what a manifest means.

mod document;
mod fallbacks;
mod files;
mod kernel;
mod params;
mod problem;
mod signature;
mod symbols;

pub use problem::{ManifestProblems, Problem, ProblemKind};

use crate::{CheckedManifest, HostPolicy, KernelManifest};

impl KernelManifest {
    /// Judges whether names, shapes, limits, versions and fallbacks make sense, and whether this
    /// host allows the limits.
    ///
    /// # Errors
    ///
    /// Every problem that the manifest has, each with its place, what was found and what is allowed.
    pub fn check(self, policy: &HostPolicy) -> Result<CheckedManifest, ManifestProblems> {
        document::check(self, policy)
    }
}
