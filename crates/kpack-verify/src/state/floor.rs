use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU64;

use kpack_schema::{Digest, PackName};

use crate::{KeyId, Trust, VerifiedPack};

/// The newest pack of a name that a host has accepted: what is older is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Floor {
    pub(super) sequence: NonZeroU64,
    pub(super) manifest: Digest,
    pub(super) signers: BTreeSet<KeyId>,
}

/// The floors of a host, by pack name.
///
/// A floor is forgotten once keys that set it are revoked and the rest of its signers do not reach the
/// trust's threshold: whoever stole a key can then not have locked the repaired pack out. The highest
/// floor that other keys set stands then, which is why one is kept for each set of signers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Floors {
    /// The highest first.
    pub(super) floors: BTreeMap<PackName, Vec<Floor>>,
}

/// How many sets of signers are remembered for a name: all that four stolen keys can make, and one.
const MAX_FLOORS: usize = 16;

/// That a verified pack lies on or above its floor, and what the floor becomes when it is accepted.
/// Only [`Floors::admit`] makes one.
#[derive(Debug, Clone)]
pub struct Admission {
    pack: PackName,
    floor: Option<Floor>,
    rule: Rule,
}

/// What of a trust file decides whether a floor still stands, and what can be done where one does.
#[derive(Debug, Clone)]
struct Rule {
    revoked_keys: BTreeSet<KeyId>,
    revoked_manifests: BTreeSet<Digest>,
    threshold: usize,
}

/// The pack that set the floor which refuses another, as the trust file sees it now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcceptedPack {
    /// Its manifest is not revoked.
    Standing,
    /// Its manifest is revoked, and the floor stands all the same: only revoked keys take it away.
    Revoked,
}

/// Why a pack is refused for what was accepted before. The pack's fault, or that of who delivers it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FloorError {
    /// A newer pack of this name was accepted; a pack without `sequence` is older than all that have
    /// one.
    #[error("a newer {pack} was accepted here, of sequence {floor}; this one has: `{found}`")]
    Rollback {
        /// The pack's name.
        pack: PackName,
        /// Its sequence.
        found: u64,
        /// The lowest that is accepted.
        floor: u64,
        /// The keys by whose signatures the floor was set, sorted.
        signers: Box<[KeyId]>,
        /// What the trust file says of the pack that set the floor.
        accepted_pack: AcceptedPack,
    },
    /// Another pack of this name and sequence was accepted.
    #[error("another {pack} of this sequence was accepted here: `{sequence}`")]
    Reused {
        /// The pack's name.
        pack: PackName,
        /// The sequence of both.
        sequence: u64,
        /// The manifest that was accepted.
        accepted: Digest,
        /// The manifest of this pack.
        found: Digest,
        /// The keys by whose signatures the floor was set, sorted.
        signers: Box<[KeyId]>,
        /// What the trust file says of the pack that set the floor.
        accepted_pack: AcceptedPack,
    },
}

impl FloorError {
    /// A stable name for this kind of error, for machines.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Rollback { .. } => "rollback",
            Self::Reused { .. } => "sequence_reused",
        }
    }

    /// The name of the pack.
    #[must_use]
    pub const fn pack(&self) -> &PackName {
        match self {
            Self::Rollback { pack, .. } | Self::Reused { pack, .. } => pack,
        }
    }

    /// The keys by whose signatures the floor was set, sorted: a floor that one of them had no right to
    /// set is forgotten once the trust file revokes that key.
    #[must_use]
    pub const fn signers(&self) -> &[KeyId] {
        match self {
            Self::Rollback { signers, .. } | Self::Reused { signers, .. } => signers,
        }
    }

    /// What the trust file says of the pack that set the floor.
    #[must_use]
    pub const fn accepted_pack(&self) -> AcceptedPack {
        match self {
            Self::Rollback { accepted_pack, .. } | Self::Reused { accepted_pack, .. } => {
                *accepted_pack
            }
        }
    }
}

impl Floor {
    /// The lowest `sequence` that is accepted.
    #[must_use]
    pub const fn sequence(&self) -> NonZeroU64 {
        self.sequence
    }

    /// The manifest that alone is accepted with this sequence.
    #[must_use]
    pub const fn manifest(&self) -> Digest {
        self.manifest
    }

    /// The keys by whose signatures the floor was set.
    #[must_use]
    pub const fn signers(&self) -> &BTreeSet<KeyId> {
        &self.signers
    }
}

impl Floors {
    /// Every floor, by name and the highest first; also those that lie below another, and those that a
    /// trust file with revoked keys would have forgotten.
    pub fn iter(&self) -> impl Iterator<Item = (&PackName, &Floor)> {
        let of = |(pack, floors)| std::iter::repeat(pack).zip(floors);
        self.floors.iter().flat_map(of)
    }

    /// The floor under a pack name: the highest that is not forgotten.
    #[must_use]
    pub fn standing(&self, pack: &PackName, trust: &Trust) -> Option<&Floor> {
        self.under(pack, &Rule::of(trust))
    }

    /// Proves that a verified pack lies on or above the floor of its name.
    ///
    /// A pack of sequence 0 sets no floor, and is refused only where one stands.
    ///
    /// # Errors
    /// [`FloorError`] for one that is older, or another one of the same sequence.
    pub fn admit(&self, pack: &VerifiedPack, trust: &Trust) -> Result<Admission, FloorError> {
        let name = pack.manifest().name();
        let sequence = pack.manifest().sequence();
        let rule = Rule::of(trust);
        let floor = NonZeroU64::new(sequence).map(|sequence| Floor {
            sequence,
            manifest: pack.manifest_digest(),
            signers: pack.signers().iter().copied().collect(),
        });
        if let Some(standing) = self.under(name, &rule) {
            standing.admit(name, floor.as_ref(), &rule)?;
        }
        Ok(Admission {
            pack: name.clone(),
            floor,
            rule,
        })
    }

    /// Raises the floor to an accepted pack, unless it has risen above the pack since it was admitted:
    /// what another writer accepted since counts as if it had come first.
    ///
    /// # Errors
    /// As for [`admit`](Self::admit), by the floor that stands now; nothing changes then.
    pub fn raise(&mut self, admission: &Admission) -> Result<(), FloorError> {
        let Admission { pack, floor, rule } = admission;
        let standing = self.under(pack, rule);
        if let Some(standing) = standing {
            standing.admit(pack, floor.as_ref(), rule)?;
        }
        let Some(mut floor) = floor.clone() else {
            return Ok(());
        };
        if let Some(standing) = standing.filter(|standing| standing.sequence == floor.sequence) {
            floor.signers.extend(&standing.signers);
        }
        let floors = self.floors.entry(pack.clone()).or_default();
        floors.retain(|other| !floor.replaces(other));
        floors.push(floor);
        floors.sort_by_key(|floor| Reverse(floor.sequence));
        floors.truncate(MAX_FLOORS);
        Ok(())
    }

    fn under(&self, pack: &PackName, rule: &Rule) -> Option<&Floor> {
        let mut floors = self.floors.get(pack)?.iter();
        floors.find(|floor| rule.keeps(floor))
    }
}

impl Floor {
    /// Whether nothing is lost with another floor: whatever makes this one forgotten does so with it.
    fn replaces(&self, other: &Self) -> bool {
        let same = other.sequence == self.sequence && other.manifest == self.manifest;
        same || (other.sequence <= self.sequence && other.signers == self.signers)
    }

    /// Lets a pack pass that would set the other floor, or none: no lower sequence, and one sequence
    /// names one manifest.
    fn admit(&self, pack: &PackName, other: Option<&Self>, rule: &Rule) -> Result<(), FloorError> {
        let found = other.map_or(0, |other| other.sequence.get());
        if found < self.sequence.get() {
            return Err(FloorError::Rollback {
                pack: pack.clone(),
                found,
                floor: self.sequence.get(),
                signers: self.signers.iter().copied().collect(),
                accepted_pack: rule.judge(self.manifest),
            });
        }
        match other {
            Some(other) if other.sequence == self.sequence && other.manifest != self.manifest => {
                Err(FloorError::Reused {
                    pack: pack.clone(),
                    sequence: found,
                    accepted: self.manifest,
                    found: other.manifest,
                    signers: self.signers.iter().copied().collect(),
                    accepted_pack: rule.judge(self.manifest),
                })
            }
            _ => Ok(()),
        }
    }
}

impl Rule {
    fn of(trust: &Trust) -> Self {
        Self {
            revoked_keys: trust.revoked_keys.clone(),
            revoked_manifests: trust.revoked_manifests.clone(),
            threshold: trust.threshold,
        }
    }

    /// A threshold that has only risen since takes no floor away: some signer must be revoked.
    fn keeps(&self, floor: &Floor) -> bool {
        let left = floor.signers.difference(&self.revoked_keys).count();
        left == floor.signers.len() || left >= self.threshold
    }

    fn judge(&self, accepted: Digest) -> AcceptedPack {
        if self.revoked_manifests.contains(&accepted) {
            AcceptedPack::Revoked
        } else {
            AcceptedPack::Standing
        }
    }
}
