use kpack_schema::{CheckedManifest, HostPolicy, KernelManifest, ManifestProblems, json};

/// Why the bytes of a `kernels.json` are not a manifest that this host takes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// Not UTF-8.
    #[error("the manifest is not UTF-8")]
    NotUtf8(#[source] std::str::Utf8Error),
    /// Not JSON of a manifest's shape.
    #[error("the manifest is malformed")]
    Malformed(#[source] json::JsonError),
    /// A manifest that does not make sense, or asks for more than the host allows.
    #[error("the manifest is not valid on this host")]
    Invalid(#[source] ManifestProblems),
}

impl ManifestError {
    /// A stable name for this kind of error, for machines.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::NotUtf8(_) | Self::Malformed(_) => "malformed_manifest",
            Self::Invalid(_) => "invalid_manifest",
        }
    }
}

/// Reads and checks a manifest. For verification this comes after the signatures, never before.
pub(crate) fn read(bytes: &[u8], policy: &HostPolicy) -> Result<CheckedManifest, ManifestError> {
    let text = std::str::from_utf8(bytes).map_err(ManifestError::NotUtf8)?;
    let manifest = KernelManifest::from_json(text).map_err(ManifestError::Malformed)?;
    manifest.check(policy).map_err(ManifestError::Invalid)
}
