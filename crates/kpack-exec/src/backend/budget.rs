use std::time::{Duration, Instant};

use crate::fault::Fault;

/// The length of one tick, in which the time of a call is limited.
pub const TICK: Duration = Duration::from_millis(10);

/// Ticks that several calls of instances share. Only the time of the calls counts: what the host
/// does between them is not the kernel's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    ticks: u64,
    used: Duration,
}

impl Budget {
    pub(crate) const fn new(ticks: u64) -> Self {
        Self {
            ticks,
            used: Duration::ZERO,
        }
    }

    /// Runs a call with the ticks that are left, a part of one as a whole.
    ///
    /// # Errors
    ///
    /// [`Fault::Deadline`], with all the ticks, when none is left or the call uses them up.
    pub(crate) fn spend<T, E: From<Fault>>(
        &mut self,
        call: impl FnOnce(u64) -> Result<T, E>,
    ) -> Result<T, E> {
        let left = self.left().ok_or_else(|| self.fault())?;
        let start = Instant::now();
        let ended = call(left);
        self.used = self.used.saturating_add(start.elapsed());
        ended
    }

    /// Takes time off that was the host's although a call had begun.
    pub(crate) const fn give_back(&mut self, time: Duration) {
        self.used = self.used.saturating_sub(time);
    }

    /// All the ticks are used up.
    pub(crate) const fn fault(&self) -> Fault {
        Fault::Deadline { ticks: self.ticks }
    }

    fn left(&self) -> Option<u64> {
        let used = u64::try_from(self.used.as_nanos() / TICK.as_nanos()).unwrap_or(u64::MAX);
        self.ticks.checked_sub(used).filter(|&left| left > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_share_the_ticks() {
        let mut budget = Budget::new(2);
        let mut given = Vec::new();
        let mut call = |budget: &mut Budget, sleep| {
            budget.spend(|ticks| {
                given.push(ticks);
                std::thread::sleep(sleep);
                Ok::<(), Fault>(())
            })
        };
        call(&mut budget, Duration::ZERO).unwrap();
        call(&mut budget, Duration::from_millis(21)).unwrap();
        let ended = call(&mut budget, Duration::ZERO);
        assert_eq!(ended, Err(Fault::Deadline { ticks: 2 }));
        assert_eq!(given, [2, 2]);
    }

    #[test]
    fn time_that_is_given_back_can_be_spent() {
        let mut budget = Budget::new(1);
        let sleep = |_| -> Result<(), Fault> {
            std::thread::sleep(Duration::from_millis(11));
            Ok(())
        };
        budget.spend(sleep).unwrap();
        let start = Instant::now();
        assert_eq!(budget.spend(sleep), Err(Fault::Deadline { ticks: 1 }));
        budget.give_back(start.elapsed() + Duration::from_secs(60));
        budget.spend(sleep).unwrap();
    }

    #[test]
    fn any_number_of_ticks_is_a_budget() {
        let mut budget = Budget::new(u64::MAX);
        budget
            .spend(|ticks| {
                assert_eq!(ticks, u64::MAX);
                Ok::<(), Fault>(())
            })
            .unwrap();
    }
}
