use std::fmt;
use std::path::Path;
use std::sync::Arc;

use kpack_exec::{StaticPolicy, VettedKernel};
use kpack_schema::{CheckedManifest, Digest, HostPolicy, PackName, Timestamp};
use kpack_verify::{
    Admission, KeyId, PackBytes, PackLimits, Trust, TrustAt, VerifiedPack, VerifyError,
};

use crate::clock;
use crate::load_error::LoadError;
use crate::pack_source::PackSource;
use crate::state_dir::StateDir;

/// Everything that can be judged of a pack without an engine, under one host's policies.
///
/// A [`Runtime`](crate::Runtime) has one; a host that only checks packs needs no more.
///
/// ```
/// use kpack::{Verifier, reference_pack};
///
/// let verifier = Verifier::new(reference_pack::host_policy());
/// let now = "2030-01-01T00:00:00Z".parse()?;
/// let pack = verifier.verify_bytes(reference_pack::bytes(), &reference_pack::trust(), now)?;
/// assert_eq!(pack.name().as_str(), "llama-core");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Verifier {
    host_policy: HostPolicy,
    static_policy: StaticPolicy,
    pack_limits: PackLimits,
    state: Option<StateDir>,
}

impl Verifier {
    /// A verifier under this host's policy, with the default rules for modules and sizes.
    #[must_use]
    pub fn new(host_policy: HostPolicy) -> Self {
        Self {
            host_policy,
            ..Self::default()
        }
    }

    /// The same verifier with other rules for modules.
    #[must_use]
    pub fn with_static_policy(mut self, policy: StaticPolicy) -> Self {
        self.static_policy = policy;
        self
    }

    /// The same verifier with other sizes for packs.
    #[must_use]
    pub const fn with_pack_limits(mut self, limits: PackLimits) -> Self {
        self.pack_limits = limits;
        self
    }

    /// The same verifier over the floors of this state: a pack that is older than one which was
    /// accepted before is refused. Without a state there are no floors.
    #[must_use]
    pub fn with_state(mut self, state: StateDir) -> Self {
        self.state = Some(state);
        self
    }

    /// Reads and verifies the pack in a folder or an archive, as of now.
    ///
    /// # Errors
    ///
    /// As [`verify_at`](Self::verify_at), and [`LoadError::Clock`] when the system's clock is no use.
    pub fn verify(&self, path: impl AsRef<Path>, trust: &Trust) -> Result<VettedPack, LoadError> {
        self.verify_at(path, trust, clock::now()?)
    }

    /// Reads and verifies the pack in a folder or an archive, as of the given time.
    ///
    /// The pack is held against the floors, and none is raised yet: that is done when a runtime has
    /// compiled it, or by [`VettedPack::accept`].
    ///
    /// # Errors
    ///
    /// When the pack cannot be read or holds what none may, is not trusted or is older than one that was
    /// accepted, the state cannot be read, or the static policy refuses any of the
    /// modules.
    pub fn verify_at(
        &self,
        path: impl AsRef<Path>,
        trust: &Trust,
        now: Timestamp,
    ) -> Result<VettedPack, LoadError> {
        let path = path.as_ref();
        let origin = path.display().to_string();
        let trust = in_force(trust, now, &origin)?;
        self.judge(self.read(path)?, &origin, trust)
    }

    /// Verifies a pack whose bytes are in memory, as of the given time.
    ///
    /// # Errors
    ///
    /// As [`verify_at`](Self::verify_at), but for the reading.
    pub fn verify_bytes(
        &self,
        bytes: PackBytes,
        trust: &Trust,
        now: Timestamp,
    ) -> Result<VettedPack, LoadError> {
        let origin = "in memory";
        self.judge(bytes, origin, in_force(trust, now, origin)?)
    }

    /// The same verifier under another host's policy.
    #[must_use]
    pub fn with_host_policy(mut self, policy: HostPolicy) -> Self {
        self.host_policy = policy;
        self
    }

    /// Where the floors are kept, if anywhere.
    #[must_use]
    pub const fn state(&self) -> Option<&StateDir> {
        self.state.as_ref()
    }

    /// What the host lets a manifest ask for.
    #[must_use]
    pub const fn host_policy(&self) -> &HostPolicy {
        &self.host_policy
    }

    /// The bytes of a pack, unverified.
    pub(crate) fn read(&self, path: &Path) -> Result<PackBytes, LoadError> {
        PackSource::open_with(path, self.pack_limits)
            .and_then(|pack| pack.read())
            .map_err(|source| LoadError::Read {
                path: path.to_owned(),
                source,
            })
    }

    /// Verifies bytes that were read from a place. Whether the pack is too old, and what its modules are,
    /// is left to [`vet`](Self::vet).
    pub(crate) fn verify_read(
        &self,
        bytes: PackBytes,
        origin: &str,
        trust: &Trust,
        now: Timestamp,
    ) -> Result<VerifiedPack, LoadError> {
        self.verify_in_force(bytes, origin, in_force(trust, now, origin)?)
    }

    fn judge(
        &self,
        bytes: PackBytes,
        origin: &str,
        trust: TrustAt<'_>,
    ) -> Result<VettedPack, LoadError> {
        let verified = self.verify_in_force(bytes, origin, trust)?;
        self.vet(verified, trust.trust())
    }

    fn verify_in_force(
        &self,
        bytes: PackBytes,
        origin: &str,
        trust: TrustAt<'_>,
    ) -> Result<VerifiedPack, LoadError> {
        let span = tracing::info_span!("verify", origin, pack = tracing::field::Empty);
        let _entered = span.enter();
        let verified = trust
            .verify(bytes, &self.host_policy)
            .map_err(|source| not_trusted(origin, source))?;
        span.record("pack", verified.manifest().name().as_str());
        Ok(verified)
    }

    /// Holds a pack that this trust has verified against the floors, and its modules against the static
    /// policy.
    pub(crate) fn vet(
        &self,
        verified: VerifiedPack,
        trust: &Trust,
    ) -> Result<VettedPack, LoadError> {
        let admission = self.admit(&verified, trust)?;
        let vet = |kernel| {
            self.static_policy
                .vet(kernel)
                .map_err(LoadError::policy(kernel))
        };
        let kernels = verified.kernels().map(vet).collect::<Result<_, _>>()?;
        Ok(VettedPack {
            inner: Arc::new(Inner {
                verifier: self.clone(),
                verified,
                admission,
                kernels,
            }),
        })
    }

    fn admit(&self, pack: &VerifiedPack, trust: &Trust) -> Result<Option<Admission>, LoadError> {
        let Some(state) = &self.state else {
            return Ok(None);
        };
        Ok(Some(state.read()?.floors().admit(pack, trust)?))
    }
}

/// Before anything is read: by a trust that is over, nothing is taken whatever it is.
fn in_force<'a>(trust: &'a Trust, now: Timestamp, origin: &str) -> Result<TrustAt<'a>, LoadError> {
    trust.at(now).map_err(|source| not_trusted(origin, source))
}

fn not_trusted(origin: &str, source: VerifyError) -> LoadError {
    LoadError::Verify {
        pack: origin.to_owned(),
        source: Box::new(source),
    }
}

/// A pack that is trusted and whose every module the static policy has passed: all that can be known
/// without an engine. Only a [`Verifier`] makes one. Cheap to clone.
///
/// It says what was so when it was made: whoever keeps one decides how long that is good enough, as
/// a pack may expire and its keys be revoked since.
#[derive(Clone)]
pub struct VettedPack {
    inner: Arc<Inner>,
}

struct Inner {
    verifier: Verifier,
    verified: VerifiedPack,
    /// Where floors are kept: that it lies above its own.
    admission: Option<Admission>,
    /// In the order of the manifest.
    kernels: Vec<VettedKernel>,
}

impl VettedPack {
    /// The pack's name.
    #[must_use]
    pub fn name(&self) -> &PackName {
        self.manifest().name()
    }

    /// The manifest that was signed.
    #[must_use]
    pub fn manifest(&self) -> &CheckedManifest {
        self.inner.verified.manifest()
    }

    /// The digest of the signed bytes of `kernels.json`.
    #[must_use]
    pub fn manifest_digest(&self) -> Digest {
        self.inner.verified.manifest_digest()
    }

    /// The trusted keys that signed and may sign for this pack name, sorted.
    #[must_use]
    pub fn signers(&self) -> &[KeyId] {
        self.inner.verified.signers()
    }

    /// Accepts the pack: what is older is refused from now on, where the verifier has a state.
    ///
    /// A [`Runtime`](crate::Runtime) does so itself with every pack that it has compiled; this is for
    /// hosts that only check packs.
    ///
    /// # Errors
    ///
    /// [`LoadError::Floor`] when a newer pack, or another one of the same sequence, was accepted since
    /// this one was judged, and [`LoadError::State`] when the floor cannot be remembered.
    pub fn accept(&self) -> Result<(), LoadError> {
        match (self.verifier().state(), &self.inner.admission) {
            (Some(state), Some(admission)) => {
                state.update(|state| Ok(state.floors_mut().raise(admission)?))
            }
            _ => Ok(()),
        }
    }

    /// What judged the pack. A runtime compiles packs of its own verifier.
    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        &self.inner.verifier
    }

    /// All kernels, in the order of the manifest.
    pub fn kernels(&self) -> impl ExactSizeIterator<Item = &VettedKernel> {
        self.inner.kernels.iter()
    }
}

impl fmt::Debug for VettedPack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VettedPack")
            .field("name", self.name())
            .field("manifest_digest", &self.manifest_digest())
            .finish_non_exhaustive()
    }
}
