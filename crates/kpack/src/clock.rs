use std::time::SystemTime;

use kpack_schema::{Timestamp, TimestampError};

/// Before this moment there was no kpack of this version: a clock that shows an earlier one is wrong,
/// and would let what has expired pass. It moves on with every release.
const RELEASED: &str = "2026-01-01T00:00:00Z";

/// Why a host's clock does not say what time it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClockError {
    /// Outside the years that can be compared.
    #[error(transparent)]
    OutOfRange(#[from] TimestampError),
    /// Earlier than this kpack.
    #[error("the clock shows a time before this kpack was released, {released}: `{shown}`")]
    BeforeRelease {
        /// What the clock shows.
        shown: Timestamp,
        /// What it must have passed.
        released: Timestamp,
    },
}

/// What the time is by a clock of the host, as packs and trust files are held against it.
///
/// # Errors
///
/// When the clock is certainly wrong: it shows a time before the release of this kpack, or outside
/// the years that can be compared.
pub fn host_time(clock: SystemTime) -> Result<Timestamp, ClockError> {
    let shown = Timestamp::try_from(clock)?;
    let released = RELEASED.parse().expect("the constant is a time");
    if shown < released {
        return Err(ClockError::BeforeRelease { shown, released });
    }
    Ok(shown)
}

/// [`host_time`] by the system's clock.
pub(crate) fn now() -> Result<Timestamp, ClockError> {
    host_time(SystemTime::now())
}
