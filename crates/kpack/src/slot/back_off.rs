use std::collections::BTreeMap;
use std::time::Duration;

use kpack_schema::Digest;

/// How long a pack that was refused is refused at once when it comes again: twice as long each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackOff {
    /// After the first refusal.
    pub first: Duration,
    /// At most.
    pub longest: Duration,
}

/// A pack that is refused at once.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The digest of its manifest; of a pack that was not verified, that of all its bytes, as no one has
    /// vouched that they belong together.
    pub pack: Digest,
    /// The [kind](crate::StageError::kind) of why it was refused.
    pub reason: &'static str,
    /// How often it was judged and refused.
    pub failures: u32,
    /// For how much longer; `None`: until it is forgiven.
    pub left: Option<Duration>,
}

/// What is remembered of packs that were refused.
#[derive(Debug)]
pub(super) struct Refusals {
    rule: BackOff,
    entries: BTreeMap<Digest, Entry>,
}

/// So many refusals are remembered; the one that ends first makes place for the next.
const MAX_ENTRIES: usize = 256;

#[derive(Debug)]
struct Entry {
    reason: &'static str,
    failures: u32,
    until: Until,
}

/// In this order refusals are forgotten where there are too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Until {
    /// By the slot's clock.
    Time(Duration),
    Forgiven,
}

impl Default for BackOff {
    /// From 10 seconds to an hour.
    fn default() -> Self {
        Self {
            first: Duration::from_secs(10),
            longest: Duration::from_hours(1),
        }
    }
}

impl BackOff {
    fn after(&self, failures: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
        self.first.saturating_mul(doubled).min(self.longest)
    }
}

impl Refusals {
    pub(super) const fn new(rule: BackOff) -> Self {
        Self {
            rule,
            entries: BTreeMap::new(),
        }
    }

    /// The refusal of a pack that is still to be refused at once.
    pub(super) fn standing(&self, pack: Digest, now: Duration) -> Option<Refusal> {
        self.entries.get(&pack)?.standing(pack, now)
    }

    pub(super) fn all(&self, now: Duration) -> Vec<Refusal> {
        let entries = self.entries.iter();
        entries
            .filter_map(|(pack, entry)| entry.standing(*pack, now))
            .collect()
    }

    /// Remembers that a pack was judged and refused.
    pub(super) fn refuse(&mut self, pack: Digest, reason: &'static str, now: Duration) {
        let failures = self.entries.get(&pack).map_or(0, |entry| entry.failures);
        let failures = failures.saturating_add(1);
        let until = Until::Time(now.saturating_add(self.rule.after(failures)));
        self.insert(pack, reason, failures, until);
    }

    /// Remembers that an operator turned a pack down.
    pub(super) fn turn_down(&mut self, pack: Digest, reason: &'static str) {
        let failures = self.entries.get(&pack).map_or(0, |entry| entry.failures);
        self.insert(pack, reason, failures.saturating_add(1), Until::Forgiven);
    }

    /// Forgets that a pack was refused, as it has passed. What an operator turned down meanwhile stays so.
    pub(super) fn passed(&mut self, pack: Digest) {
        let entry = self.entries.get(&pack);
        if entry.is_some_and(|entry| entry.until != Until::Forgiven) {
            self.entries.remove(&pack);
        }
    }

    /// Forgets a pack; whether it was known.
    pub(super) fn forget(&mut self, pack: Digest) -> bool {
        self.entries.remove(&pack).is_some()
    }

    pub(super) fn forget_all(&mut self) {
        self.entries.clear();
    }

    fn insert(&mut self, pack: Digest, reason: &'static str, failures: u32, until: Until) {
        let entry = Entry {
            reason,
            failures,
            until,
        };
        self.entries.insert(pack, entry);
        if self.entries.len() > MAX_ENTRIES {
            let others = self.entries.iter().filter(|(other, _)| **other != pack);
            let soonest = others.min_by_key(|(_, entry)| entry.until);
            if let Some(soonest) = soonest.map(|(pack, _)| *pack) {
                self.entries.remove(&soonest);
            }
        }
    }
}

impl Entry {
    fn standing(&self, pack: Digest, now: Duration) -> Option<Refusal> {
        let left = match self.until {
            Until::Time(until) => Some(until.checked_sub(now).filter(|left| !left.is_zero())?),
            Until::Forgiven => None,
        };
        Some(Refusal {
            pack,
            reason: self.reason,
            failures: self.failures,
            left,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: BackOff = BackOff {
        first: Duration::from_secs(10),
        longest: Duration::from_secs(60),
    };

    fn pack(number: u32) -> Digest {
        kpack_verify::sha256(&number.to_le_bytes())
    }

    fn left(refusals: &Refusals, now: u64) -> Option<u64> {
        let refusal = refusals.standing(pack(0), Duration::from_secs(now))?;
        Some(refusal.left?.as_secs())
    }

    #[test]
    fn a_refusal_lasts_twice_as_long_each_time_up_to_the_longest() {
        let mut refusals = Refusals::new(RULE);
        let mut now = 100;
        for lasts in [10, 20, 40, 60, 60] {
            refusals.refuse(pack(0), "deadline", Duration::from_secs(now));
            assert_eq!(left(&refusals, now), Some(lasts));
            assert_eq!(left(&refusals, now + lasts - 1), Some(1));
            assert_eq!(left(&refusals, now + lasts), None, "it is judged again");
            now += lasts;
        }
        assert!(refusals.forget(pack(0)));
        assert!(!refusals.forget(pack(0)));
        refusals.refuse(pack(0), "deadline", Duration::from_secs(now));
        assert_eq!(left(&refusals, now), Some(10), "it starts anew");
    }

    #[test]
    fn the_longest_holds_however_often_a_pack_was_refused() {
        let mut refusals = Refusals::new(RULE);
        let ended = Until::Time(Duration::ZERO);
        refusals.insert(pack(0), "deadline", u32::MAX - 1, ended);
        for _ in 0..2 {
            refusals.refuse(pack(0), "deadline", Duration::from_secs(100));
            let refusal = refusals
                .standing(pack(0), Duration::from_secs(100))
                .unwrap();
            assert_eq!(
                (refusal.failures, refusal.left),
                (u32::MAX, Some(RULE.longest))
            );
        }
    }

    #[test]
    fn what_an_operator_turned_down_stays_refused() {
        let mut refusals = Refusals::new(RULE);
        refusals.turn_down(pack(0), "rolled_back");
        let later = Duration::from_secs(1 << 40);
        let refusal = refusals.standing(pack(0), later).unwrap();
        assert_eq!((refusal.reason, refusal.left), ("rolled_back", None));
        assert!(refusals.forget(pack(0)));
        assert_eq!(refusals.standing(pack(0), later), None);
    }

    #[test]
    fn the_one_that_ends_first_makes_place() {
        let mut refusals = Refusals::new(RULE);
        refusals.turn_down(pack(1_000_000), "rolled_back");
        for number in 0..=300 {
            refusals.refuse(pack(number), "deadline", Duration::from_secs(number.into()));
        }
        assert_eq!(refusals.entries.len(), MAX_ENTRIES);
        assert!(refusals.entries.contains_key(&pack(1_000_000)));
        assert!(!refusals.entries.contains_key(&pack(45)));
        assert!(refusals.entries.contains_key(&pack(46)));
    }
}
