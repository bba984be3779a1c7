use crate::load_error::LoadError;
use crate::pack::Pack;

/// A pack that is verified and compiled, and not accepted yet: no floor has risen to it, so that
/// turning it down locks no older pack out. Only [`Runtime::prepare`](crate::Runtime::prepare) makes one.
#[derive(Debug, Clone)]
#[must_use = "a candidate is accepted or turned down"]
pub struct Candidate {
    pack: Pack,
}

impl Candidate {
    pub(crate) const fn new(pack: Pack) -> Self {
        Self { pack }
    }

    /// The pack, to be tried.
    #[must_use]
    pub const fn pack(&self) -> &Pack {
        &self.pack
    }

    /// Accepts the pack: what is older is refused from now on, where there is a state.
    ///
    /// # Errors
    ///
    /// As [`VettedPack::accept`](crate::VettedPack::accept).
    pub fn accept(self) -> Result<Pack, LoadError> {
        self.pack.vetted().accept()?;
        Ok(self.pack)
    }

    pub(crate) fn into_pack(self) -> Pack {
        self.pack
    }
}
