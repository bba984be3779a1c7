use std::time::{Duration, Instant};

use crate::fault::Fault;

/// The length of one tick.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// The end of the ticks that several calls of an instance share.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    ticks: u64,
    /// `None` where it is past every clock.
    end: Option<Instant>,
}

impl Deadline {
    /// `ticks` of 10 ms from now on.
    pub(crate) fn after(ticks: u64) -> Self {
        let allowed = u32::try_from(ticks)
            .ok()
            .and_then(|ticks| TICK.checked_mul(ticks));
        Self {
            ticks,
            end: allowed.and_then(|allowed| Instant::now().checked_add(allowed)),
        }
    }

    /// The ticks that are left, a part of one as a whole.
    ///
    /// # Errors
    ///
    /// [`Fault::Deadline`] when none is.
    pub(crate) fn ticks_left(&self) -> Result<u64, Fault> {
        let Some(end) = self.end else {
            return Ok(self.ticks);
        };
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(self.fault());
        }
        let whole = left.as_nanos().div_ceil(TICK.as_nanos());
        Ok(u64::try_from(whole).unwrap_or(self.ticks).min(self.ticks))
    }

    /// The deadline has passed.
    pub(crate) const fn fault(&self) -> Fault {
        Fault::Deadline { ticks: self.ticks }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_run_out() {
        let deadline = Deadline::after(2);
        assert!((1..=2).contains(&deadline.ticks_left().unwrap()));
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(deadline.ticks_left(), Err(Fault::Deadline { ticks: 2 }));
    }

    #[test]
    fn ticks_past_every_clock_do_not_run_out() {
        assert_eq!(Deadline::after(u64::MAX).ticks_left(), Ok(u64::MAX));
        assert!(Deadline::after(u64::from(u32::MAX)).ticks_left().is_ok());
    }
}
