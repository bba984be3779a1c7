use std::path::Path;

use kpack::{LoadError, ProvenTrust, StateDir, TrustOnDisk, TrustOrigin, Verifier, VettedPack};

use crate::args::JudgeArgs;
use crate::console::Console;
use crate::failure::Failure;
use crate::{host, state};

/// What packs are judged by: a trust file that was proven, and the state where one was named.
pub(crate) struct Judge {
    proven: ProvenTrust,
    verifier: Verifier,
}

impl Judge {
    pub(crate) fn open(args: &JudgeArgs, console: &Console) -> Result<Self, Failure> {
        let state = args.state.as_deref().map(state::open).transpose()?;
        let proven = TrustOnDisk::read(&args.trust)?.prove(state.as_ref())?;
        let judge = Self {
            proven,
            verifier: host::verifier(state),
        };
        if judge.pinned_now() {
            console.note(
                "the trust file is signed by its own roots: this host knew none before, and pins \
                 them now",
            );
        }
        Ok(judge)
    }

    /// Whether the state remembers the trust file's roots since they were proven just now, unseen.
    pub(crate) fn pinned_now(&self) -> bool {
        self.state().is_some() && self.proven.origin() == TrustOrigin::OwnRoots
    }

    /// Judges the pack, as of now.
    pub(crate) fn verify(&self, pack: &Path) -> Result<VettedPack, Failure> {
        Ok(self.judge(pack, host::now()?)?)
    }

    /// Judges the pack, as of the given time.
    pub(crate) fn judge(
        &self,
        pack: &Path,
        now: kpack::Timestamp,
    ) -> Result<VettedPack, LoadError> {
        self.verifier.verify_at(pack, self.proven.trust(), now)
    }

    pub(crate) const fn proven(&self) -> &ProvenTrust {
        &self.proven
    }

    pub(crate) const fn state(&self) -> Option<&StateDir> {
        self.verifier.state()
    }

    /// For a runtime that compiles what was judged.
    pub(crate) fn verifier(&self) -> Verifier {
        self.verifier.clone()
    }
}
