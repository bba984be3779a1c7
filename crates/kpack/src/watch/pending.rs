use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::listing::Look;

/// Which packs are to be staged, and when. Takes the time from its caller.
#[derive(Debug, Default)]
pub(super) struct Pending {
    packs: BTreeMap<PathBuf, Seen>,
}

#[derive(Debug)]
struct Seen {
    look: Look,
    /// `None` once it was tried as it looks.
    due: Option<Instant>,
}

impl Pending {
    /// Takes note of what is in the folder, and gives the packs that have not changed for so long, and
    /// were not given since they last changed.
    pub(super) fn see(
        &mut self,
        packs: BTreeMap<PathBuf, Look>,
        now: Instant,
        quiet: Duration,
    ) -> Vec<PathBuf> {
        self.packs.retain(|path, _| packs.contains_key(path));
        for (path, look) in packs {
            let is_known = self.packs.get(&path).is_some_and(|seen| seen.look == look);
            if !is_known {
                let due = Some(now + quiet);
                self.packs.insert(path, Seen { look, due });
            }
        }
        let due = self.packs.iter_mut().filter_map(|(path, seen)| {
            seen.due.take_if(|due| *due <= now)?;
            Some(path.clone())
        });
        due.collect()
    }

    /// Has a pack given again, although it does not change.
    pub(super) fn again(&mut self, path: &Path, due: Instant) {
        if let Some(seen) = self.packs.get_mut(path) {
            seen.due = Some(due);
        }
    }

    /// When the first pack is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.packs.values().filter_map(|seen| seen.due).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Duration = Duration::from_secs(2);

    fn packs(packs: &[(&str, u64)]) -> BTreeMap<PathBuf, Look> {
        let packs = packs.iter();
        packs
            .map(|(path, len)| (PathBuf::from(path), Look::of_len(*len)))
            .collect()
    }

    fn see(pending: &mut Pending, now: Instant, found: &[(&str, u64)]) -> Vec<String> {
        let due = pending.see(packs(found), now, QUIET).into_iter();
        due.map(|path| path.display().to_string()).collect()
    }

    #[test]
    fn a_pack_is_due_once_nothing_changed_for_so_long_and_then_no_more() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let mut pending = Pending::default();
        assert!(see(&mut pending, start, &[("a", 1)]).is_empty());
        assert_eq!(pending.next(), Some(start + QUIET));
        // It grows, and the time begins anew.
        assert!(see(&mut pending, start + second, &[("a", 2)]).is_empty());
        assert!(see(&mut pending, start + QUIET, &[("a", 2)]).is_empty());
        let settled = start + second + QUIET;
        assert_eq!(see(&mut pending, settled, &[("a", 2)]), ["a"]);
        assert_eq!(pending.next(), None);
        assert!(see(&mut pending, settled + QUIET * 9, &[("a", 2)]).is_empty());
    }

    #[test]
    fn a_pack_that_changes_or_comes_again_is_due_again() {
        let start = Instant::now();
        let mut pending = Pending::default();
        see(&mut pending, start, &[("a", 1)]);
        assert_eq!(see(&mut pending, start + QUIET, &[("a", 1)]), ["a"]);
        see(&mut pending, start + QUIET, &[("a", 3)]);
        assert_eq!(see(&mut pending, start + QUIET * 2, &[("a", 3)]), ["a"]);
        see(&mut pending, start + QUIET * 2, &[]);
        see(&mut pending, start + QUIET * 2, &[("a", 3)]);
        assert_eq!(see(&mut pending, start + QUIET * 3, &[("a", 3)]), ["a"]);
    }

    #[test]
    fn what_the_host_is_to_blame_for_is_due_again_by_itself() {
        let start = Instant::now();
        let mut pending = Pending::default();
        see(&mut pending, start, &[("a", 1), ("b", 1)]);
        let found = [("a", 1), ("b", 1)];
        assert_eq!(see(&mut pending, start + QUIET, &found), ["a", "b"]);
        pending.again(Path::new("b"), start + QUIET * 3);
        assert!(see(&mut pending, start + QUIET * 2, &found).is_empty());
        assert_eq!(see(&mut pending, start + QUIET * 3, &found), ["b"]);
    }
}
