/// The steps of judging a pack, in the order in which they are taken; who fails at one does not reach
/// the next.
///
/// [`Read`](Step::Read), [`Floor`](Step::Floor) and [`Policy`](Step::Policy) are taken by whoever
/// reads packs, keeps floors and knows engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Step {
    /// The trust file is one, is proven, and has not expired.
    Trust,
    /// The pack's files can be read, within the limits.
    Read,
    /// The operator has not revoked this very manifest.
    Revocation,
    /// Enough trusted keys in service signed the bytes of the manifest.
    Signatures,
    /// The manifest makes sense on this host.
    Manifest,
    /// Enough of the signers may sign for a pack of this name.
    Scope,
    /// The author's own key is among those that signed.
    Author,
    /// The pack has not expired.
    Expiry,
    /// The operator's allow list holds it, where there is one.
    Allow,
    /// Each file is the declared one, and there is none beside them.
    Digests,
    /// No newer pack of this name was accepted before.
    Floor,
    /// Each module keeps to the static policy.
    Policy,
}

impl Step {
    /// Every step, in order.
    pub const ALL: [Self; 12] = [
        Self::Trust,
        Self::Read,
        Self::Revocation,
        Self::Signatures,
        Self::Manifest,
        Self::Scope,
        Self::Author,
        Self::Expiry,
        Self::Allow,
        Self::Digests,
        Self::Floor,
        Self::Policy,
    ];

    /// A stable name, in `snake_case`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trust => "trust",
            Self::Read => "read",
            Self::Revocation => "revocation",
            Self::Signatures => "signatures",
            Self::Manifest => "manifest",
            Self::Scope => "scope",
            Self::Author => "author",
            Self::Expiry => "expiry",
            Self::Allow => "allow",
            Self::Digests => "digests",
            Self::Floor => "floor",
            Self::Policy => "policy",
        }
    }

    /// What is so where the step is passed, in words.
    #[must_use]
    pub const fn proves(self) -> &'static str {
        match self {
            Self::Trust => "the trust file is in force",
            Self::Read => "the pack can be read, within the limits",
            Self::Revocation => "this manifest is not revoked",
            Self::Signatures => "enough trusted keys in service signed the manifest's bytes",
            Self::Manifest => "the manifest makes sense on this host",
            Self::Scope => "enough of the signers may sign for a pack of this name",
            Self::Author => "the author's own key signed",
            Self::Expiry => "the pack has not expired",
            Self::Allow => "the allow list holds it, where there is one",
            Self::Digests => "every file is the declared one, and there is no other",
            Self::Floor => "no newer pack of this name was accepted before",
            Self::Policy => "every module keeps to the static policy",
        }
    }
}
