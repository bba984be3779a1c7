//! What a host remembers between runs: the trust that it accepted last, and the newest packs.
//!
//! Values and their text; `kpack` keeps them in a file.

mod floor;
mod wire;

use kpack_schema::json;

pub use floor::{AcceptedPack, Admission, Floor, FloorError, Floors};

use crate::{PinnedTrust, ProvenTrust, Roots, TrustFile, TrustProofError, sha256};

/// What a host remembers between runs. Made empty once, when the operator sets the host up; from then
/// on it is only ever read, changed and written.
///
/// ```
/// use kpack_verify::HostState;
///
/// let text = HostState::default().to_text();
/// assert_eq!(HostState::from_text(&text)?, HostState::default());
/// assert!(HostState::from_text(&text.replace("{}", "{ }")).is_err());
/// # Ok::<(), kpack_verify::HostStateError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HostState {
    pinned: Option<PinnedTrust>,
    floors: Floors,
}

/// Why a text is not a host's state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostStateError {
    /// The digest in the last line is not that of the lines before it: cut off, or changed.
    #[error("the state's last line is not the digest of the lines before it")]
    Digest,
    /// Not JSON of a state's shape, although its digest is right.
    #[error("the state is malformed")]
    Malformed(#[source] json::JsonError),
    /// `kpack_state` is not 1.
    #[error("the state's version must be 1: `{found}`")]
    Version {
        /// The version that was found.
        found: u64,
    },
    /// The pinned roots are none that a trust file may name.
    #[error("the state pins roots that no trust file may name")]
    Roots(#[source] crate::TrustError),
}

/// The longest state, in bytes; a floor takes fewer than 2,000, and a name has few of them.
pub const MAX_STATE_BYTES: usize = 16 << 20;

impl HostState {
    /// A first state that pins these roots: no trust file is taken that they did not sign.
    #[must_use]
    pub fn pinning(roots: Roots) -> Self {
        Self {
            pinned: Some(PinnedTrust::roots_alone(roots)),
            floors: Floors::default(),
        }
    }

    /// Reads what [`to_text`](Self::to_text) wrote. A byte that differs anywhere is noticed.
    ///
    /// # Errors
    /// [`HostStateError`]; what is not understood is never taken for an empty state.
    pub fn from_text(text: &str) -> Result<Self, HostStateError> {
        let unsealed = text.strip_suffix('\n').and_then(|text| {
            let (body, seal) = text.rsplit_once('\n')?;
            // With the newline, which the digest covers too.
            let body = &text[..=body.len()];
            (seal == sha256(body.as_bytes()).to_string()).then_some(body)
        });
        wire::read(unsealed.ok_or(HostStateError::Digest)?)
    }

    /// Pretty JSON, and its digest in a last line of its own.
    #[must_use]
    pub fn to_text(&self) -> String {
        let body = wire::write(self);
        let seal = sha256(body.as_bytes());
        format!("{body}{seal}\n")
    }

    /// The roots that are pinned, with the trust file that was accepted last.
    #[must_use]
    pub const fn pinned(&self) -> Option<&PinnedTrust> {
        self.pinned.as_ref()
    }

    /// The floors under pack names.
    #[must_use]
    pub const fn floors(&self) -> &Floors {
        &self.floors
    }

    /// The floors, to be raised.
    pub const fn floors_mut(&mut self) -> &mut Floors {
        &mut self.floors
    }

    /// [Proves](TrustFile::prove) a trust file by what is pinned, and pins it. Where nothing is
    /// pinned as yet, a file that names root keys is trusted at this first use.
    ///
    /// # Errors
    /// [`TrustProofError`]; nothing changes then.
    pub fn prove(
        &mut self,
        file: TrustFile,
        signatures: Option<&[u8]>,
    ) -> Result<ProvenTrust, TrustProofError> {
        let proven = file.prove(signatures, self.pinned.as_ref())?;
        self.pinned = proven.pin().cloned();
        Ok(proven)
    }
}
